import assert from "node:assert/strict";
import {
  HttpAdapter,
  Retry,
  Session,
  type HttpAdapterOptions,
  type RequestOptions,
  type HttpResponse,
  type TimeoutOptions,
} from "@holdfast/http";
import type { FaultOrigin, FaultOriginOptions } from "@holdfast/http/testing";
import { faultOrigin, overProtocol, test } from "./protocol.ts";

type RetryInit = NonNullable<ConstructorParameters<typeof Retry>[0]>;

/** A number, or its bounds. */
export type Bounds = number | { readonly min?: number; readonly max?: number };

/** The expected outcome of a scenario; a missing field may have any value. */
export interface Expected {
  /** @default "response" */
  readonly outcome?: "response" | "error" | "either";
  readonly status?: number;
  /** The body of the response: its text, or one of several. */
  readonly body?: string | readonly string[];
  readonly error?: Partial<
    Record<"code" | "errno" | "phase" | "mayHaveArrived" | "certificate" | "name", unknown>
  >;
  readonly message?: RegExp;
  /** The reason of the last verdict. */
  readonly verdict?: string;
  /** Requests that the server saw. */
  readonly attempts?: Bounds;
  /** Attempts that the call counted. */
  readonly told?: Bounds;
  readonly connections?: Bounds;
  /** Milliseconds between the starts of the attempts at "/". */
  readonly gaps?: readonly Bounds[];
  /** Milliseconds of the whole call. */
  readonly elapsed?: Bounds;
  /** The body that every request carried. */
  readonly requestBody?: string;
}

/** One failure, and its expected outcome. */
export interface Scenario {
  readonly origin?: FaultOriginOptions | (() => Promise<FaultOriginOptions>);
  /** Overrides of the default: 4 retries, a status list with 503, 10 ms of back-off, the last response is returned. */
  readonly retry?: RetryInit;
  /** Overrides of the default: connect 1 s, read 300 ms. */
  readonly timeout?: TimeoutOptions;
  readonly adapter?: HttpAdapterOptions | (() => Promise<HttpAdapterOptions>);
  readonly method?: string;
  readonly request?: RequestOptions;
  /** @default one request of `method` to "/" */
  readonly ask?: (session: Session, origin: FaultOrigin) => Promise<HttpResponse>;
  readonly expect: Expected;
}

/** The default retry of a scenario. */
export const quick: RetryInit = {
  total: 4,
  statusForcelist: [408, 425, 429, 500, 502, 503, 504],
  backoffFactor: "10ms",
  raiseOnStatus: false,
};

const limits: TimeoutOptions = { connect: "1s", read: "300ms" };

/** A session with the settings of a scenario. */
export async function sessionFor({
  retry,
  timeout,
  adapter,
}: Omit<Scenario, "expect"> = {}): Promise<Session> {
  const options = overProtocol(typeof adapter === "function" ? await adapter() : adapter);
  const session = new Session({
    retry: new Retry({ ...quick, ...retry }),
    timeout: { ...limits, ...timeout },
  });
  if (options === undefined) return session;
  const own = new HttpAdapter(options);
  return session.mount("http://", own).mount("https://", own);
}

/** Creates a test for each scenario, with its name. */
export function scenarios(all: Readonly<Record<string, Scenario>>): void {
  for (const [name, scenario] of Object.entries(all)) test(name, () => play(scenario));
}

/** Plays a scenario against its origin and compares the outcome. */
async function play(scenario: Scenario): Promise<void> {
  const { origin: plan = {}, expect } = scenario;
  await using origin = await faultOrigin(typeof plan === "function" ? await plan() : plan);
  await using session = await sessionFor(scenario);
  const began = performance.now();
  const ask =
    scenario.ask ?? ((s: Session) => s.request(scenario.method ?? "GET", `${origin.url}/`, scenario.request));

  const result = await outcomeOf(ask(session, origin));

  const elapsed = performance.now() - began;
  checkOutcome(result, expect);
  bounded("elapsed", elapsed, expect.elapsed);
  bounded("attempts seen", origin.requests.length, expect.attempts);
  bounded("attempts told", toldBy(result), expect.told);
  bounded("connections", origin.connections, expect.connections);
  for (const [index, gap] of (expect.gaps ?? []).entries())
    bounded(`gap ${index + 1}`, origin.gaps("/")[index] ?? NaN, gap);
  if (expect.requestBody !== undefined)
    for (const { body } of origin.requests) assert.equal(body.toString(), expect.requestBody);
  assert.deepEqual(origin.errors, []);
}

/** The outcome of a call. */
export type Result =
  | { readonly response: HttpResponse; readonly error?: undefined }
  | { readonly response?: undefined; readonly error: Error };

export function outcomeOf(call: Promise<HttpResponse>): Promise<Result> {
  return call.then(
    (response) => ({ response }),
    (error: unknown) => {
      assert.ok(error instanceof Error, `the call threw a value that is not an Error: ${String(error)}`);
      return { error };
    },
  );
}

function checkOutcome({ response, error }: Result, expect: Expected): void {
  const { outcome = expect.error === undefined ? "response" : "error" } = expect;
  if (error !== undefined) {
    if (outcome === "response") assert.fail(error);
    checkError(error, expect);
    return;
  }
  assert.notEqual(
    outcome,
    "error",
    `A response came: ${response.status}, ${response.content.byteLength} bytes`,
  );
  if (expect.status !== undefined) assert.equal(response.status, expect.status);
  const text = new TextDecoder("latin1").decode(response.content);
  const bodies = typeof expect.body === "string" ? [expect.body] : expect.body;
  if (bodies?.includes(text) === false)
    assert.equal(text.length > 300 ? `${text.length} bytes` : text, bodies[0]);
}

function checkError(error: Error, { error: fields = {}, message, verdict }: Expected): void {
  const seen = Object.fromEntries(Object.keys(fields).map((name) => [name, Reflect.get(error, name)]));
  assert.deepEqual(seen, fields, error.stack);
  if (message !== undefined) assert.match(error.message, message);
  if (verdict !== undefined)
    assert.equal(Reflect.get(Object(Reflect.get(error, "verdict")), "reason"), verdict);
}

function toldBy({ response, error }: Result): number {
  const attempts: unknown = response?.attempts ?? Reflect.get(error ?? {}, "attempts");
  return Array.isArray(attempts) ? attempts.length : NaN;
}

export function bounded(what: string, value: number, bounds: Bounds | undefined): void {
  if (bounds === undefined) return;
  const { min = -Infinity, max = Infinity } =
    typeof bounds === "number" ? { min: bounds, max: bounds } : bounds;
  assert.ok(value >= min && value <= max, `${what}: ${value} is not between ${min} and ${max}`);
}
