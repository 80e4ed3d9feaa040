import { HoldfastError, redact } from "@holdfast/policy";
import type { Verdict } from "./verdict.ts";
import type { ConnectionPhases, Trace } from "./trace.ts";

/** What became of one attempt: plain data, safe to log and to store. The fields are documented in docs/reference/attempts.md. */
export interface AttemptRecord {
  /** 1-based, the first included; goes on through the redirects of a call. */
  readonly number: number;
  /** The request's. */
  readonly method: string;
  /** The request's, without credentials: secret query parameters read `***`. */
  readonly url: string;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
  /** From the start to the last byte of the body, or to the failure, in milliseconds. */
  readonly elapsed: number;
  /** How long each phase took, as far as the attempt came. */
  readonly phases?: Phases;
  /** Whether the request went out on a new connection or on one that had carried others; absent where it never went out. */
  readonly connection?: "new" | "reused";
  /** The proxy that it went through, without credentials: `"http://10.0.0.1:8080"`. */
  readonly proxy?: string;
  /** Answers that the attempt could not use, oldest first: it asked once more at once, unless its error says otherwise. */
  readonly discarded?: readonly DiscardedResponse[];
  /** Bytes of head and body that were written, of every request of the attempt; absent where they cannot be told apart from other requests' (HTTP/2). */
  readonly bytesSent?: number;
  /** Bytes of bodies that came, before decoding. */
  readonly bytesReceived?: number;
  /** Absent when no answer came. */
  readonly status?: number;
  /** Bytes that attempts before it had brought, where the answer carries on from there. */
  readonly resumedFrom?: number;
  /** Absent when an answer came. */
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly verdict: Verdict;
  /** Whether another attempt followed, and else why not: `"retried"`, `"redirected"`, `"success"`, `"not-retried: http-404"`. */
  readonly decision: string;
  /** The wait that followed, in milliseconds. */
  readonly delay?: number;
  /** How long the server, or the policy that refused the attempt, asked to wait at least, in milliseconds: what `delaySource` said, or `decision` finds too long. */
  readonly requestedDelay?: number;
  /** Where the wait came from: `"retry-after"` or another of the server's words (`"github:x-ratelimit-reset"`), `"back-off"`, or a policy that refused the attempt, such as `"circuit-open"`. */
  readonly delaySource?: string;
}

/** An answer, or a failure, that an attempt went past. */
export interface DiscardedResponse {
  /** Absent where no answer came. */
  readonly status?: number;
  /** Why it could not be used: `"credentials"` of a 401, else in words what kept a body from being resumed. */
  readonly reason: string;
}

/** The phases of an attempt, in milliseconds; one that did not happen is absent. */
export interface Phases extends ConnectionPhases {
  /** Waiting for its turn, because the server had shown a limit. */
  readonly queue?: number;
  /** Waiting for a connection, or opening one: `dns`, `tcp`, `proxy` and `tls` are parts of it. */
  readonly connection?: number;
  /** From the first byte sent to the head of the answer, or to the failure. */
  readonly headers?: number;
  /** From the head to the last byte of the body, or to the failure. */
  readonly body?: number;
}

/** The instants between which an attempt lies, on the clock, in milliseconds. */
export interface AttemptTimes {
  readonly startedAt: number;
  /** When its turn had come. */
  readonly leftAt: number;
  readonly endedAt: number;
}

/** What the wire saw of an attempt, as its record tells it: of its last request, and the bytes of those before it too. */
export function describeTrace(
  trace: Trace,
  span: AttemptTimes,
  before: readonly Trace[] = [],
): Pick<AttemptRecord, "phases" | "connection" | "bytesSent" | "bytesReceived"> {
  const { reused } = trace;
  const phases = toPhases(trace, span);
  const wentOut = [...before, trace].filter((one) => one.reused !== undefined);
  const bytesSent = sumKnown(wentOut.map((one) => one.bytesSent));
  const bytesReceived = sumKnown(wentOut.map((one) => one.bytesReceived));
  return {
    ...(Object.keys(phases).length > 0 && { phases }),
    ...(reused !== undefined && { connection: reused ? "reused" : "new" }),
    ...(bytesSent !== undefined && { bytesSent }),
    ...(bytesReceived !== undefined && { bytesReceived }),
  };
}

/** The sum of what is known; undefined where a part of it is not. */
function sumKnown(parts: readonly (number | undefined)[]): number | undefined {
  const sum = parts.reduce<number>((whole, part = NaN) => whole + part, 0);
  return parts.length === 0 || Number.isNaN(sum) ? undefined : sum;
}

/** An attempt that failed ended in one of its phases: what it waited there belongs to it. */
function toPhases(trace: Trace, { startedAt, leftAt, endedAt }: AttemptTimes): Phases {
  const queue = leftAt - startedAt;
  const waited = queue > 0 ? { queue } : {};
  if (trace.connected === false) return { ...waited, connection: endedAt - leftAt, ...trace.phases };
  if (trace.reused === undefined) return waited;
  const { phases: legs, headAt, connectedAt: boardedAt = leftAt } = trace;
  return {
    ...waited,
    connection: boardedAt - leftAt,
    ...legs,
    headers: (headAt ?? endedAt) - boardedAt,
    ...(headAt !== undefined && { body: endedAt - headAt }),
  };
}

/** Says in plain data what was thrown, without what looks like credentials. */
export function summarizeError(error: unknown): NonNullable<AttemptRecord["error"]> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, code: error instanceof HoldfastError ? error.code : "UNKNOWN", message: redact(message) };
}
