import type { Clock, Duration } from "@holdfast/policy";
import type { RunEvent } from "./events.ts";
import type { Fetcher } from "../outcome/fetcher.ts";
import type { InputLine } from "../ledger/job.ts";
import type { RunProxies } from "./proxy-monitor.ts";

/** What to fetch, with what, and where to keep it. */
export interface RunOptions {
  /** Holds the ledger and the segments; made when it does not exist. */
  readonly directory: string;
  /** The list; absent = only go on with what the ledger holds. Read while fetching, never held in memory. */
  readonly input?: AsyncIterable<InputLine> | Iterable<InputLine>;
  /** Sends the requests; all retries of one request happen inside it. The caller closes it. */
  readonly session: Fetcher;
  /**
   * The pool that the session goes through: what blocks or limits one address then leaves a line open for others, lines
   * wait while none is fit, the run ends when none will be, and how they did is kept with the run.
   */
  readonly proxies?: RunProxies;
  /** Requests at a time. @default 16 */
  readonly concurrency?: number;
  /** Requests at a time to one host and port. @default 8 */
  readonly perHost?: number;
  /** Stops taking lines up; the attempts under way finish and are recorded, and what would need another one waits for the next run. */
  readonly drain?: AbortSignal;
  /** Ends what is in flight; what finished before is recorded. */
  readonly signal?: AbortSignal;
  /** How long a run with nothing else to do waits for the next deferred row. @default "2m" */
  readonly maxIdleWait?: Duration;
  /** How long a server may put a row off; a later time is taken for this one. @default "24h" */
  readonly maxDeferDelay?: Duration;
  /** How often a row may be deferred before it has failed. @default 5 */
  readonly maxDeferrals?: number;
  /** Takes up rows that failed for good too, and deferred rows before their time. @default false */
  readonly retryFailed?: boolean;
  /** Hears every event; what it throws ends the run. */
  readonly on?: (event: RunEvent) => void;
  readonly clock?: Clock;
}

/** The defaults of a run. */
export const runDefaults: {
  readonly concurrency: number;
  readonly perHost: number;
  readonly maxIdleWait: Duration;
  readonly maxDeferDelay: Duration;
  readonly maxDeferrals: number;
} = {
  concurrency: 16,
  perHost: 8,
  maxIdleWait: "2m",
  maxDeferDelay: "24h",
  maxDeferrals: 5,
};
