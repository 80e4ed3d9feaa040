import { RetryError } from "@holdfast/policy";
import {
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
} from "../../packages/http/src/errors/transport-errors.ts";
import type { RetryEvent } from "../../packages/http/src/retry/history.ts";
import type { RetryCount, RetryInit } from "../../packages/http/src/retry/options.ts";
import { Retry } from "../../packages/http/src/retry/retry.ts";
import type { Adapter, Vector } from "./adapter.ts";
import { difference } from "./compare.ts";

/** The keyword arguments of urllib3's `Retry`, in its units. */
export interface Config extends Pick<
  RetryInit,
  "total" | "connect" | "read" | "redirect" | "status" | "other"
> {
  readonly allowed_methods?: readonly string[] | false | null;
  readonly status_forcelist?: readonly number[] | null;
  readonly backoff_factor?: number;
  readonly backoff_max?: number;
  readonly raise_on_redirect?: boolean;
  readonly raise_on_status?: boolean;
  readonly respect_retry_after_header?: boolean;
  readonly remove_headers_on_redirect?: readonly string[];
  readonly retry_after_max?: number;
}

interface Event {
  readonly kind: string;
  readonly method: string | null;
  readonly url: string;
  readonly status?: number;
  readonly retry_after?: string;
  readonly location?: string;
}

type Sleep = number | null | { readonly error: string };

interface Step {
  readonly event: Event;
  readonly is_retry?: boolean;
  readonly raised?: { readonly original?: true; readonly reason?: string; readonly message?: string };
  readonly after?: { readonly backoff: number };
  readonly last?: { readonly error: string | null };
  readonly sleep?: Sleep;
}

export interface RetryVector {
  readonly config: Config;
  readonly initial: unknown;
  readonly steps: readonly Step[];
}

/** Creates the `Retry` for a configuration of urllib3. */
export function retryOf(config: Config): Retry {
  const names: Readonly<Record<string, string>> = {
    allowed_methods: "allowedMethods",
    status_forcelist: "statusForcelist",
    backoff_factor: "backoffFactor",
    backoff_max: "backoffMax",
    raise_on_redirect: "raiseOnRedirect",
    raise_on_status: "raiseOnStatus",
    respect_retry_after_header: "respectRetryAfterHeader",
    remove_headers_on_redirect: "removeHeadersOnRedirect",
    retry_after_max: "retryAfterMax",
  };
  const seconds = new Set(["backoff_factor", "backoff_max", "retry_after_max"]);
  const entries = Object.entries(config).map(([name, value]) => [
    names[name] ?? name,
    seconds.has(name) ? (value as number) * 1_000 : value,
  ]);
  return Retry.urllib3(Object.fromEntries(entries) as RetryInit);
}

/** The six counters, in the order of the vectors. */
export function countersOf({ total, connect, read, redirect, status, other }: Retry): readonly RetryCount[] {
  return [total, connect, read, redirect, status, other];
}

const errors: Readonly<Record<string, () => Error>> = {
  connect_timeout: () => new ConnectTimeoutError("a.test", 1),
  new_connection: () => connection("connect", "ECONNREFUSED"),
  name_resolution: () => connection("dns", "ENOTFOUND"),
  proxy_connect: () => new ProxyError("?", { cause: new ConnectTimeoutError("a.test", 1) }),
  proxy_read_timeout: () => new ProxyError("?", { cause: new ReadTimeoutError("a.test", 1, "headers") }),
  proxy_other: () => new ProxyError("?"),
  read_timeout: () => new ReadTimeoutError("a.test", 1, "headers"),
  protocol_error: () => connection("headers", "ECONNRESET"),
  // urllib3 counts the bare class as `other`. In a whole call it occurs as a protocol error, and counts as that here.
  incomplete_read: () => new DecodeError("gzip"),
  ssl_error: () => new TlsError("?", { certificate: true, errno: "CERT_HAS_EXPIRED" }),
  decode_error: () => new DecodeError("gzip"),
};

function connection(phase: "dns" | "connect" | "headers", errno: string): ConnectionError {
  return new ConnectionError(errno, { phase, errno, mayHaveArrived: phase === "headers" });
}

/** urllib3's `Retry`, one step at a time. */
export const urllib3Retry: Adapter = {
  cases: (vector, meta) =>
    checkCase(vector as unknown as RetryVector, Number(meta["now"]) * 1_000, referenceSleep),
  is_retry: ({ config, probes_true }, { probes }) => {
    const retry = retryOf(config as Config);
    const yes = (probes as [string, number, boolean][]).flatMap((probe, index) =>
      retry.isRetry(...probe) ? [index] : [],
    );
    return difference(probes_true, yes);
  },
  from_int: ({ retries, redirect, default: fallback, result }) =>
    difference(
      result,
      snapshot(
        Retry.fromInt(retries as RetryCount, redirect as boolean | null, fallback as RetryCount),
        result,
      ),
    ),
};

/** Returns the expected sleep after a step, in seconds. */
export type ExpectedSleep = (step: Step, config: Config) => unknown;

const referenceSleep: ExpectedSleep = ({ sleep }) => sleep ?? 0;

/** Plays a case in which an unparsable Retry-After costs its timing alone, and one that is not respected all of it. */
export function checkOurSleeps(vector: Vector, now: number): string | undefined {
  return checkCase(vector as unknown as RetryVector, now, (step, config) => {
    const redirected = isRedirect(step.event);
    const respected = config.respect_retry_after_header !== false;
    if (redirected && !respected) return 0;
    if (typeof step.sleep !== "object" || step.sleep === null) return step.sleep ?? 0;
    const asked = /^\d+\.\d+$/.test(step.event.retry_after ?? "") ? Number(step.event.retry_after) : 0;
    const wait = Math.min(asked, config.retry_after_max ?? 21_600);
    return redirected || wait > 0 ? wait : step.after?.backoff;
  });
}

const withoutQuery = ["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"];

/** Plays a case with urllib3's own default for the methods. */
export function checkWithoutQuery(vector: Vector, now: number): string | undefined {
  const { config, ...rest } = vector as unknown as RetryVector;
  return checkCase({ config: { ...config, allowed_methods: withoutQuery }, ...rest }, now, referenceSleep);
}

/** Returns whether a step does not retry a QUERY because of the default methods. */
export function refusesQuery({ config, steps }: RetryVector): boolean {
  return (
    config.allowed_methods === undefined &&
    steps.some(
      ({ event, is_retry, raised }) =>
        event.method === "QUERY" && (is_retry === false || raised?.original === true),
    )
  );
}

/** Returns whether urllib3 rejects the Retry-After of a step. */
export function hasInvalidHeader({ steps }: RetryVector): boolean {
  return steps.some(({ sleep }) => typeof sleep === "object" && sleep !== null);
}

/** Returns whether a step waits before a redirect although Retry-After is ignored. */
export function waitsUnasked({ config, steps }: RetryVector): boolean {
  return (
    config.respect_retry_after_header === false &&
    steps.some(({ event, sleep }) => isRedirect(event) && sleep !== null)
  );
}

function checkCase(
  { config, initial, steps }: RetryVector,
  now: number,
  expected: ExpectedSleep,
): string | undefined {
  let retry = retryOf(config);
  const found = difference(initial, snapshot(retry, initial));
  if (found !== undefined) return `initial: ${found}`;
  for (const [index, step] of steps.entries()) {
    const played = play(retry, step, now);
    const wanted = step.raised === undefined ? { ...step, sleep: expected(step, config) } : step;
    const differs = difference(wanted, played.seen);
    if (differs !== undefined) return `step ${index}: ${differs}`;
    retry = played.retry;
  }
  return undefined;
}

interface Played {
  readonly seen: unknown;
  readonly retry: Retry;
}

function play(retry: Retry, step: Step, now: number): Played {
  const { event } = step;
  const told = eventOf(event);
  const asked = "is_retry" in step && {
    is_retry: retry.isRetry(event.method ?? "", event.status ?? 0, Boolean(event.retry_after)),
  };
  try {
    const next = retry.increment(told);
    const seen = {
      event,
      ...asked,
      after: snapshot(next, step.after),
      last: lastOf(next, step),
      sleep: sleepOf(next, event, now),
    };
    return { seen, retry: next };
  } catch (error) {
    return { seen: { event, ...asked, raised: raisedOf(error, told, step) }, retry };
  }
}

function eventOf({ kind, method, url, status = 0, location }: Event): RetryEvent {
  const error = errors[kind]?.();
  if (error !== undefined) return { method, url, error };
  if (kind === "none") return { method, url };
  const redirect = kind === "redirect" && location !== undefined;
  return { method, url, response: { status, redirectLocation: redirect ? location : null } };
}

function isRedirect({ kind, location }: Event): boolean {
  return kind === "redirect" && location !== undefined;
}

function sleepOf(retry: Retry, event: Event, now: number): number {
  const answered = event.kind === "response" || event.kind === "redirect";
  const retryAfter = answered ? event.retry_after : undefined;
  return retry.getSleepTime({ retryAfter, redirected: isRedirect(event) }, now, () => 0) / 1_000;
}

/** Error names differ between libraries, so only the presence of an error is compared. */
function lastOf(retry: Retry, { last }: Step): unknown {
  const row = retry.history.at(-1);
  const named = row?.error === null ? null : last?.error;
  return {
    method: row?.method,
    url: row?.url,
    error: named,
    status: row?.status,
    location: row?.redirectLocation,
  };
}

function raisedOf(error: unknown, { error: original }: RetryEvent, { raised }: Step): unknown {
  if (error === original) return raised?.original === true ? raised : "the original error";
  if (!(error instanceof RetryError)) throw error;
  const { cause } = error;
  if (cause === original)
    return raised?.original !== true && raised?.reason !== "ResponseError" ? raised : "a RetryError";
  return {
    type: "MaxRetryError",
    reason: "ResponseError",
    message: cause instanceof Error ? cause.message : cause,
  };
}

function snapshot(retry: Retry, like: unknown): unknown {
  const all: Readonly<Record<string, unknown>> = {
    counters: countersOf(retry),
    history: retry.history.length,
    backoff: retry.getBackoffTime(() => 0) / 1_000,
    exhausted: retry.isExhausted(),
    raise_on_redirect: retry.raiseOnRedirect,
    raise_on_status: retry.raiseOnStatus,
    remove_headers_on_redirect: [...retry.removeHeadersOnRedirect].toSorted(),
  };
  return Object.fromEntries(Object.keys(like ?? {}).map((key) => [key, all[key]]));
}
