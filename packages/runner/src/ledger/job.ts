import { idempotentMethods } from "@holdfast/policy/internal";

/** One line of an input list: its number, from 1, and its text without the line ending. */
export interface InputLine {
  readonly line: number;
  readonly text: string;
}

/** The headers and body of a job: plain JSON, so that the ledger can store it. */
export interface JobRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent with every attempt, also after a crash. With a key, a POST may be sent again. */
  readonly idempotencyKey?: string;
}

/** A request that was read from an input line and has no row yet. */
export interface NewJob {
  readonly line: number;
  /** In capitals. */
  readonly method: string;
  /** An absolute http or https URL without a fragment, normalised by the WHATWG URL parser. */
  readonly url: string;
  readonly request?: JobRequest;
}

/** A row of the ledger: one counted input line and its request. */
export interface Job extends NewJob {
  /** The row: 1 for the first line ever planned. Never reused. */
  readonly id: number;
}

/** Returns whether the job may be sent twice: its method is idempotent (RFC 9110 section 9.2.2; QUERY by its own definition), or it has an idempotency key. */
export function isRepeatable(job: Pick<NewJob, "method" | "request">): boolean {
  return idempotentMethods.has(job.method) || job.request?.idempotencyKey !== undefined;
}
