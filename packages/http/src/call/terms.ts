import type { Clock } from "@holdfast/policy";
import type { Hooks } from "../hooks.ts";
import type { RequestOptions } from "../session-options.ts";
import type { Retry } from "../retry/retry.ts";
import type { Streams } from "./streams.ts";
import type { Timeouts } from "../timeouts.ts";

/** What holds for all requests of one call. */
export interface Terms {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
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
