import type { Clock } from "@holdfast/policy";
import type { RetrySetting } from "../retry/setting.ts";
import type { TimeoutSetting } from "../transport/timeouts.ts";
import type { TransportOptions } from "../transport/transport.ts";

/** The options of an `HttpAdapter`. */
export interface HttpAdapterOptions extends Omit<TransportOptions, "clock"> {
  /** Rule for retries of requests through this adapter, merged over that of the session. @default the `retry` of the session */
  readonly retry?: RetrySetting;
  /** Limits of calls that begin at this adapter, merged over those of the session. @default the `timeout` of the session */
  readonly timeout?: TimeoutSetting;
  /** `false` sends requests without waiting for learned rate limits. @default the `pacing` of the session */
  readonly pacing?: boolean;
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock;
}
