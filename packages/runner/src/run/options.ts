import type { Clock, Duration } from "@holdfast/policy";
import type { RunEvent } from "./events.ts";
import type { HostLimits } from "./host-limits.ts";
import type { Fetcher } from "../outcome/fetcher.ts";
import type { OtherList } from "../ledger/list-reading.ts";
import type { LineFilter } from "../ledger/where.ts";
import type { RunInput } from "./input-planner.ts";
import type { RunProxies } from "./proxy-monitor.ts";

/** The options of `run`. */
export interface RunOptions {
  /** The folder of the ledger and the bodies, such as `"results"`. Created when it does not exist. */
  readonly directory: string;
  /**
   * The list, such as `readLines("urls.txt")`, or several files of `readLines`. It is read while requests run and never held
   * in memory. A file that was read to its end also removes lines: those that it no longer has. Without input, the run
   * continues with the lines in the ledger.
   */
  readonly input?: RunInput;
  /** What to do with a file that is not one of the folder's lists: refuse it, count both, or let it take the place of the others. @default "refuse" */
  readonly otherList?: OtherList;
  /** Sends the requests, with all their retries. The caller closes it. */
  readonly session: Fetcher;
  /**
   * The proxy pool of the session. With it, a line that is refused or limited is tried again through other proxies, lines
   * wait while no proxy is available, the run ends when none will be, and the report has statistics of each proxy.
   */
  readonly proxies?: RunProxies;
  /** Requests at a time. @default 16 */
  readonly concurrency?: number;
  /** Requests at a time to one host and port. @default 8 */
  readonly perHost?: number;
  /** Requests per second to one host, such as `5`. @default none */
  readonly rate?: number;
  /** Shortest time between the starts of two requests to one host, such as `"100ms"`. @default 0 */
  readonly delay?: Duration;
  /** Other limits for single hosts, such as `{ "api.example.com": { rate: 2, perHost: 1 } }`. @default none */
  readonly hostRules?: Readonly<Record<string, HostLimits>>;
  /** Requests per second, over all hosts. @default none */
  readonly totalRate?: number;
  /** Bytes of bodies per second, over all hosts. Requests wait while the average is above it; a body that arrives is not slowed down. @default none */
  readonly maxBandwidth?: number;
  /** Ends the run gently: attempts in flight finish and are recorded, no further attempt starts, and unfinished lines wait for the next run. */
  readonly drain?: AbortSignal;
  /** Ends the run immediately: requests in flight are aborted. Finished requests are recorded. */
  readonly signal?: AbortSignal;
  /**
   * How long a run continues in which only hosts are left that wait, and no line ends. It ends immediately when the next line is
   * due later than that.
   * @default "2m"
   */
  readonly maxIdleWait?: Duration;
  /** The longest deferral that a server may ask for. A longer one is shortened to this. @default "24h" */
  readonly maxDeferDelay?: Duration;
  /** How often a line may be deferred before it fails. @default 5 */
  readonly maxDeferrals?: number;
  /** How long a host may send no response, over all runs in the folder, before its lines end. @default "1h" */
  readonly hostGiveUp?: Duration;
  /** Tries all failed lines again, and deferred lines before they are due. @default false */
  readonly retryFailed?: boolean;
  /** Fetches lines again that this function chooses, such as `({ url }) => url.endsWith(".json")`. An old result stays until a new one replaces it. */
  readonly refetch?: LineFilter;
  /**
   * Fetches lines again that are done, and asks the server whether the body is still the same (`ETag`, `Last-Modified`). Then
   * the result stays as it is. @default false
   */
  readonly refresh?: boolean;
  /** Narrows `retryFailed`, `refetch` and `refresh` to lines that this function chooses, such as `parseWhere("status = 404")`. */
  readonly where?: LineFilter;
  /** Receives every event. An error that it throws ends the run. */
  readonly on?: (event: RunEvent) => void;
  /** Source of time, for tests. @default the clock of the platform */
  readonly clock?: Clock;
}

/** The defaults of a run. */
export const runDefaults: {
  readonly concurrency: number;
  readonly perHost: number;
  readonly maxIdleWait: Duration;
  readonly maxDeferDelay: Duration;
  readonly maxDeferrals: number;
  readonly hostGiveUp: Duration;
} = {
  concurrency: 16,
  perHost: 8,
  maxIdleWait: "2m",
  maxDeferDelay: "24h",
  maxDeferrals: 5,
  hostGiveUp: "1h",
};
