import type { RowState } from "./state.ts";

/** The stored result of one line. `headers` and `body` are read from disk at the first access. */
export interface LineResult {
  /** The row: 1 for the first line ever planned. */
  readonly id: number;
  /** The line's number in its list, when the list was last read. */
  readonly line: number;
  /** The absolute path of the list; absent for a line without a file, such as one of standard input. */
  readonly list?: string;
  readonly method: string;
  /** The normalised URL, or the text of an invalid line. */
  readonly url: string;
  readonly state: Exclude<RowState["at"], "leased">;
  /** "ok", "http-404", "duplicate-of-line-3", "bad-input: …"; empty while the line is pending. */
  readonly reason: string;
  /** Whether the next run tries the line again. */
  readonly retryable: boolean;
  readonly status?: number;
  readonly attempts: number;
  /** When the outcome was recorded, in epoch ms. */
  readonly fetchedAt?: number;
  /** The URL after redirects. */
  readonly finalUrl?: string;
  readonly contentType?: string;
  /** The length of the decoded body. */
  readonly bytes: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}
