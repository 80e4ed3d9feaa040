import assert from "node:assert/strict";
import {
  ProxyError,
  Retry,
  Session,
  type ProxyReason,
  type SessionOptions,
  type TimeoutOptions,
} from "@holdfast/http";
import { faultOrigin, respond, type FaultOrigin, type FaultOriginOptions } from "@holdfast/http/testing";
import { certificates, type Certificates } from "../support/certificates.ts";

/** Limits that a test which is to wait for none of them never meets, on however slow a machine. */
const patient = { connect: "20s", read: "20s" } as const;

/** The limits for a test that is to end for this reason: those that it is to meet are short. */
export function limitsFor(reason: ProxyReason | undefined): TimeoutOptions {
  const leg = /^timeout-(\w+)$/.exec(reason ?? "")?.[1];
  return leg === undefined ? patient : { ...patient, proxy: { [leg]: "300ms" } };
}

/** One attempt. */
export const noRetry = new Retry({ total: 0, raiseOnStatus: false });
/** Two attempts, the second without a wait. */
export const twice = new Retry({ total: 1, backoffFactor: "5ms", raiseOnStatus: false });

/** What a test plays on. */
export interface Stage {
  readonly all: Certificates;
  readonly origin: FaultOrigin;
  /** Host and port of the origin, as CONNECT names it. */
  readonly authority: string;
  /** Where a tunnel to the origin leads. */
  readonly to: { readonly host: string; readonly port: number };
}

/** The response of every origin. */
export const routes = { "/": [respond(200, { body: "here" })] };

/** An https origin for one test. */
export async function withOrigin(
  act: (stage: Stage) => Promise<void>,
  options: FaultOriginOptions = {},
): Promise<void> {
  const all = await certificates();
  await using origin = await faultOrigin({ routes, tls: all.good, ...options });
  const { port } = origin;
  await act({ all, origin, authority: `localhost:${port}`, to: { host: "127.0.0.1", port } });
}

/** A session behind a proxy that makes one attempt. */
export function sessionVia(proxy: string, { all }: Stage, options: SessionOptions = {}): Session {
  return new Session({ proxy, retry: noRetry, tls: { ca: all.ca.cert }, timeout: patient, ...options });
}

/** What a call fails with. */
export async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail("An answer came"),
    (error: unknown) => error,
  );
}

/** Resolves when every connection is closed: failed connections must close although the session is open. */
export async function empty(proxy: { readonly openConnections: number }): Promise<void> {
  await until(() => proxy.openConnections === 0);
}

/** What must be known of a failure before the tunnel stood. */
export function blames(failure: unknown, reason: ProxyReason, status?: number): void {
  assert.ok(failure instanceof ProxyError, String(failure));
  const { mayHaveArrived, phase } = failure;
  assert.deepEqual(
    { reason: failure.reason, status: failure.status, mayHaveArrived, phase },
    { reason, status, mayHaveArrived: false, phase: "proxy" },
  );
}

/** A proxy that fails, and how a session names it. */
export interface Failing {
  readonly url: string;
  readonly proxy: { readonly connections: number; readonly openConnections: number };
  readonly reason: ProxyReason;
  readonly status?: number | undefined;
}

/** Requires that a POST through the proxy fails before the tunnel stands: the proxy is to blame, nothing has arrived, and nothing stays open. */
export async function failsBeforeTunnel(
  stage: Stage,
  { url, proxy, reason, status }: Failing,
): Promise<unknown> {
  await using session = sessionVia(url, stage, { timeout: limitsFor(reason) });

  const failure = await failureOf(session.post(`https://${stage.authority}/`, { body: "x" }));

  blames(failure, reason, status);
  assert.deepEqual([proxy.connections, stage.origin.requests.length], [1, 0]);
  await empty(proxy);
  return failure;
}

/** Whom the proxies of these tests serve. */
export const credentials = { user: "ada", password: "lace" };

/** Resolves as soon as it holds; throws when it does not within five seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < limit, "What was waited for did not come");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
