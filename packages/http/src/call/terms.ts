import type { Hooks } from "../telemetry/hooks.ts";
import type { CallBounds } from "./call-bounds.ts";
import type { RequestOptions } from "./options.ts";
import type { Retry } from "../retry/retry.ts";
import type { ResponseStreams } from "./streaming.ts";

/** What holds for all requests of one call. */
export interface CallContext extends CallBounds {
  readonly drain: AbortSignal | undefined;
  readonly hooks: Hooks;
  readonly maxRedirects: number | null;
  readonly maxBytes: number;
  readonly sensitiveHeaders: readonly string[];
  readonly retry: Retry | undefined;
  /** The answers of the call, where they are to be streamed. */
  readonly streams?: ResponseStreams;
  readonly proxy: RequestOptions["proxy"];
}
