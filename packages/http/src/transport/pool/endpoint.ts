import type { Clock } from "@holdfast/policy";
import type { OriginPool } from "./origin-pool.ts";
import type { Watchdog } from "./watchdog.ts";

/** One origin, reached directly or through one proxy: its connections, and the watchdog and the clock of the transport. */
export interface Endpoint {
  readonly pool: OriginPool;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
}
