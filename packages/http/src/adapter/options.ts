import type { Clock } from "@holdfast/policy";
import type { Retry } from "../retry/retry.ts";
import type { TransportOptions } from "../transport/transport.ts";

/** The options of an `HttpAdapter`. */
export interface HttpAdapterOptions extends Omit<TransportOptions, "clock"> {
  /** @default the `retry` of the session */
  readonly retry?: Retry;
  /** @default the clock of the platform */
  readonly clock?: Clock;
}
