import { idempotentMethods } from "@holdfast/policy/internal";

/** One raw line of an input list: its number (1-based) and its text without the line ending. */
export interface InputLine {
  readonly line: number;
  readonly text: string;
}

/** What a job sends besides its method and URL; plain JSON, so that the ledger can keep it. */
export interface JobRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Sent with every attempt, also after a crash: with it a POST may go out again. */
  readonly idempotencyKey?: string;
}

/** A request read from an input line, before the ledger knows it. */
export interface NewJob {
  readonly line: number;
  /** In capitals. */
  readonly method: string;
  /** Absolute, http or https, normalised by the WHATWG URL parser, without a fragment. */
  readonly url: string;
  readonly request?: JobRequest;
}

/** A row of the ledger: one counted input line and what to send for it. */
export interface Job extends NewJob {
  /** The row, 1 for the first line ever planned; never reused. */
  readonly id: number;
}

/** Tells whether sending the job twice means the same as sending it once (RFC 9110 section 9.2.2, QUERY by its own definition, or an idempotency key). */
export function isRepeatable(job: Pick<NewJob, "method" | "request">): boolean {
  return idempotentMethods.has(job.method) || job.request?.idempotencyKey !== undefined;
}
