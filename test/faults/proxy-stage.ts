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

/** Limits that a test never reaches, even on a slow machine. */
const patient = { connect: "20s", read: "20s" } as const;

/** Returns the limits for a failure of this reason: the expected limit is short. */
export function limitsFor(reason: ProxyReason | undefined): TimeoutOptions {
  const leg = /^timeout-(\w+)$/.exec(reason ?? "")?.[1];
  return leg === undefined ? patient : { ...patient, proxy: { [leg]: "300ms" } };
}

/** One attempt. */
export const noRetry = new Retry({ total: 0, raiseOnStatus: false });
/** Two attempts, the second without a wait. */
export const twice = new Retry({ total: 1, backoffFactor: "5ms", raiseOnStatus: false });

/** The servers of one test. */
export interface Stage {
  readonly all: Certificates;
  readonly origin: FaultOrigin;
  /** Host and port of the origin, as CONNECT names it. */
  readonly authority: string;
  /** The port of the origin for tunnels. */
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

/** Returns the error of a call. */
export async function failureOf(call: PromiseLike<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail("the call succeeded"),
    (error: unknown) => error,
  );
}

/** Resolves when every connection is closed: failed connections must close although the session is open. */
export async function empty(proxy: { readonly openConnections: number }): Promise<void> {
  await until(() => proxy.openConnections === 0);
}

/** Asserts the properties of a failure before the tunnel is open. */
export function blames(failure: unknown, reason: ProxyReason, status?: number): void {
  assert.ok(failure instanceof ProxyError, String(failure));
  const { mayHaveArrived, phase } = failure;
  assert.deepEqual(
    { reason: failure.reason, status: failure.status, mayHaveArrived, phase },
    { reason, status, mayHaveArrived: false, phase: "proxy" },
  );
}

/** A failing proxy, and its URL for a session. */
export interface Failing {
  readonly url: string;
  readonly proxy: { readonly connections: number; readonly openConnections: number };
  readonly reason: ProxyReason;
  readonly status?: number | undefined;
}

/** Asserts that a POST through the proxy fails before the tunnel is open: the proxy is at fault, nothing has arrived, and nothing stays open. */
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

/** Resolves as soon as the condition holds. Throws after five seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 5_000;
  while (!holds()) {
    assert.ok(performance.now() < limit, "the condition did not hold within five seconds");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
