import type { Clock } from "@holdfast/policy";
import type { OriginPool } from "./origin-pool.ts";
import type { Watchdog } from "./watchdog.ts";

/** An origin, reached directly or through one proxy: its pool of connections, and the transport's watchdog and clock. */
export interface Endpoint {
  readonly pool: OriginPool;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
}
