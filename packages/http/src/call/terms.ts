import type { Hooks } from "../hooks.ts";
import type { CallBounds } from "./outwait.ts";
import type { RequestOptions } from "../session-options.ts";
import type { Retry } from "../retry/retry.ts";
import type { Streams } from "./streams.ts";

/** What holds for all requests of one call. */
export interface Terms extends CallBounds {
  readonly patience: AbortSignal | undefined;
  readonly hooks: Hooks;
  readonly maxRedirects: number | null;
  readonly maxBytes: number;
  readonly sensitiveHeaders: readonly string[];
  readonly retry: Retry | undefined;
  /** The answers of the call, where they are to be streamed. */
  readonly streams?: Streams;
  readonly proxy: RequestOptions["proxy"];
}
