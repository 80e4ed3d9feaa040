import { HoldfastError, redact } from "@holdfast/policy";
import type { Verdict } from "./retry/verdict.ts";

/** What became of one attempt: plain data, safe to log and to store. */
export interface AttemptRecord {
  /** 1-based, the first included. */
  readonly number: number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly startedAt: number;
  /** From the start to the last byte of the body, or to the failure, in milliseconds. */
  readonly elapsed: number;
  /** The proxy that it went through, without credentials: `"http://10.0.0.1:8080"`. */
  readonly proxy?: string;
  /** Absent when no answer came. */
  readonly status?: number;
  /** Absent when an answer came. */
  readonly error?: { readonly name: string; readonly code: string; readonly message: string };
  readonly verdict: Verdict;
  /** Whether another attempt followed, and else why not: `"retried"`, `"success"`, `"not-retried: http-404"`. */
  readonly decision: string;
  /** The wait that followed, in milliseconds. */
  readonly delay?: number;
  /** Where the wait came from: `"retry-after"` or another of the server's words (`"github:x-ratelimit-reset"`), `"back-off"`, or a policy that refused the attempt, such as `"circuit-open"`. */
  readonly delaySource?: string;
}

/** Says in plain data what was thrown, without what looks like credentials. */
export function summaryOf(error: unknown): NonNullable<AttemptRecord["error"]> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, code: error instanceof HoldfastError ? error.code : "UNKNOWN", message: redact(message) };
}
