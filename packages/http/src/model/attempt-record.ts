import { HoldfastError, redact } from "@holdfast/policy";
import { shorten } from "@holdfast/policy/internal";
import type { Verdict } from "./verdict.ts";
import type { ConnectionPhases, Trace } from "./trace.ts";

/** One attempt, as plain data that is safe to log and store. docs/reference/attempts.md explains the fields. */
export interface AttemptRecord {
  /** Counts from 1, across the redirects of a call. */
  readonly number: number;
  readonly method: string;
  /** The URL without credentials. Secret query parameters read `***`. */
  readonly url: string;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
  /** Milliseconds from the start to the last byte of the body, or to the failure. */
  readonly elapsed: number;
  /** The duration of each phase that the attempt reached. */
  readonly phases?: Phases;
  /** Whether the request was sent on a new or a reused connection. Absent if it was not sent. */
  readonly connection?: "new" | "reused";
  /** The proxy, without credentials: `"http://10.0.0.1:8080"`. */
  readonly proxy?: string;
  /** Responses that were discarded before the attempt was repeated immediately, oldest first. */
  readonly discarded?: readonly DiscardedResponse[];
  /** Bytes of head and body that were written, for all requests of the attempt. Absent for HTTP/2, which shares a connection. */
  readonly bytesSent?: number;
  /** Bytes of response bodies, before decoding. */
  readonly bytesReceived?: number;
  /** Absent without a response. */
  readonly status?: number;
  /** Bytes that earlier attempts received, if the response continues from there. */
  readonly resumedFrom?: number;
  /** Absent with a response. */
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly verdict: Verdict;
  /** Whether another attempt followed, or why not: `"retried"`, `"redirected"`, `"success"`, `"not-retried: http-404"`. */
  readonly decision: string;
  /** The wait after the attempt, in milliseconds. */
  readonly delay?: number;
  /** The wait in milliseconds that the server, or the policy that rejected the attempt, asked for. */
  readonly requestedDelay?: number;
  /** The source of the wait: `"retry-after"` or another header (`"github:x-ratelimit-reset"`), `"back-off"`, or a policy that rejected the attempt, such as `"circuit-open"`. */
  readonly delaySource?: string;
}

/** A response, or a failure, that was discarded before the attempt was repeated. */
export interface DiscardedResponse {
  /** Absent without a response. */
  readonly status?: number;
  /** Why it was discarded: `"credentials"` for a 401, otherwise a sentence that says why a body could not be resumed. */
  readonly reason: string;
}

/** The durations of the phases of an attempt, in milliseconds. A phase that did not happen is absent. */
export interface Phases extends ConnectionPhases {
  /** Waiting in the queue of a rate limit. */
  readonly queue?: number;
  /** Waiting for a connection or opening one. Includes `dns`, `tcp`, `proxy` and `tls`. */
  readonly connection?: number;
  /** From the first byte sent to the head of the response, or to the failure. */
  readonly headers?: number;
  /** From the head to the last byte of the body, or to the failure. */
  readonly body?: number;
}

/** The instants of an attempt on the clock, in milliseconds. */
export interface AttemptTimes {
  readonly startedAt: number;
  /** When the attempt left the queue of a rate limit. */
  readonly sentAt: number;
  readonly endedAt: number;
}

/** Returns the fields of a record that come from the connection: phases of the last request, bytes of all requests. */
export function describeTrace(
  trace: Trace,
  span: AttemptTimes,
  before: readonly Trace[] = [],
): Pick<AttemptRecord, "phases" | "connection" | "bytesSent" | "bytesReceived"> {
  const { reused } = trace;
  const phases = toPhases(trace, span);
  const sentRequests = [...before, trace].filter((request) => request.reused !== undefined);
  const bytesSent = sumKnown(sentRequests.map((request) => request.bytesSent));
  const bytesReceived = sumKnown(sentRequests.map((request) => request.bytesReceived));
  return {
    ...(Object.keys(phases).length > 0 && { phases }),
    ...(reused !== undefined && { connection: reused ? "reused" : "new" }),
    ...(bytesSent !== undefined && { bytesSent }),
    ...(bytesReceived !== undefined && { bytesReceived }),
  };
}

/** Returns the sum, or undefined if a part of it is unknown. */
function sumKnown(parts: readonly (number | undefined)[]): number | undefined {
  const sum = parts.reduce<number>((total, part = NaN) => total + part, 0);
  return parts.length === 0 || Number.isNaN(sum) ? undefined : sum;
}

/** For an attempt that failed, the last phase ends with the failure. */
function toPhases(trace: Trace, { startedAt, sentAt, endedAt }: AttemptTimes): Phases {
  const queue = sentAt - startedAt;
  const waited = queue > 0 ? { queue } : {};
  if (trace.connected === false) return { ...waited, connection: endedAt - sentAt, ...trace.phases };
  if (trace.reused === undefined) return waited;
  const { phases: connectionPhases, headAt, connectedAt = sentAt } = trace;
  return {
    ...waited,
    connection: connectedAt - sentAt,
    ...connectionPhases,
    headers: (headAt ?? endedAt) - connectedAt,
    ...(headAt !== undefined && { body: endedAt - headAt }),
  };
}

/** Describes an error as plain data, without credentials, its message cut to 2,000 characters. */
export function summarizeError(error: unknown): NonNullable<AttemptRecord["error"]> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return {
    name,
    code: error instanceof HoldfastError ? error.code : "UNKNOWN",
    message: shorten(redact(message)),
  };
}
