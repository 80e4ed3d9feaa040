import type { RowState } from "./state.ts";

/** One row of a ledger with everything that is known of it; `headers` and `body` are read from disk when they are asked for. */
export interface LineResult {
  readonly id: number;
  /** The number of the line when it was first planned. */
  readonly line: number;
  readonly method: string;
  /** The normalised URL, or the text of a line that is no URL. */
  readonly url: string;
  readonly state: Exclude<RowState["at"], "leased">;
  /** "ok", "http-404", "duplicate-of-line-3", "bad-input: …"; empty while the row is pending. */
  readonly reason: string;
  readonly retryable: boolean;
  readonly status?: number;
  readonly attempts: number;
  /** Epoch ms of the last outcome. */
  readonly fetchedAt?: number;
  readonly finalUrl?: string;
  readonly contentType?: string;
  /** Decoded body bytes. */
  readonly bytes: number;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}
