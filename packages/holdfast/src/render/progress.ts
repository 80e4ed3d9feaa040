import type { JobOutcome, RunEvent, RunTotals } from "@holdfast/runner";
import type { InterruptStage } from "../process/interrupts.ts";

/** Everything that changes the progress: events of the run, the passage of time, and interrupts. */
export type ProgressInput =
  | RunEvent
  | { readonly type: "tick"; readonly now: number /* monotonic ms */; readonly date: number /* epoch ms */ }
  | { readonly type: "interrupted"; readonly stage: InterruptStage };

/** An exponentially weighted moving average; `weight` corrects for the short history at the start. */
interface MovingRate {
  readonly at: number;
  readonly finished: number;
  readonly weighted: number;
  readonly weight: number;
}

/** The state of a run as the program shows it. */
export interface Progress {
  readonly totals: Pick<RunTotals, "lines" | "done" | "failed" | "skipped" | "unknown" | "waiting">;
  readonly inFlight: number;
  readonly inputEnded: boolean;
  readonly stage: InterruptStage;
  /** The latest host without requests for a while: `by` its own request, or for lack of proxies. */
  readonly idleHost:
    | {
        readonly host: string;
        readonly until: number /* epoch ms */;
        readonly by: "host" | "proxies";
      }
    | undefined;
  /** Lines that ended in this process. */
  readonly finished: number;
  /** The reasons of all failures so far. */
  readonly failures: ReadonlySet<string>;
  readonly rate: MovingRate;
  readonly date: number;
}

const noTotals: Progress["totals"] = {
  lines: 0,
  done: 0,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 0,
};

/** Returns the progress at the start of this process. `totals` are the counts of a run that is continued. */
export function startProgress(now: number, date: number, totals: Progress["totals"] = noTotals): Progress {
  return {
    totals,
    inFlight: 0,
    inputEnded: false,
    stage: "none",
    idleHost: undefined,
    finished: 0,
    failures: new Set(),
    rate: { at: now, finished: 0, weighted: 0, weight: 0 },
    date,
  };
}

/** Returns the progress after one more input. */
export function foldProgress(progress: Progress, input: ProgressInput): Progress {
  switch (input.type) {
    case "tick":
      return {
        ...progress,
        date: input.date,
        idleHost:
          progress.idleHost !== undefined && progress.idleHost.until > input.date
            ? progress.idleHost
            : undefined,
        rate: updateRate(progress.rate, progress.finished, input.now),
      };
    case "interrupted":
      return { ...progress, stage: input.stage };
    case "planned":
    case "host-down":
      return { ...progress, totals: input.totals };
    case "input-ended":
      return { ...progress, inputEnded: true };
    case "started":
      return { ...progress, inFlight: progress.inFlight + 1 };
    case "deferred":
      return { ...progress, inFlight: Math.max(0, progress.inFlight - 1) };
    case "finished":
      return {
        ...progress,
        inFlight: Math.max(0, progress.inFlight - 1),
        finished: progress.finished + 1,
        failures: addFailureReason(progress.failures, input.outcome.state),
      };
    case "host-deferred":
      return { ...progress, idleHost: { host: input.host, until: input.until, by: "host" } };
    case "no-proxy":
      return { ...progress, idleHost: { host: input.host, until: input.until, by: "proxies" } };
    case "progress":
      return { ...progress, totals: input.totals, inFlight: input.inFlight };
  }
}

function addFailureReason(failures: ReadonlySet<string>, state: JobOutcome["state"]): ReadonlySet<string> {
  return state.at !== "failed" || failures.has(state.reason)
    ? failures
    : new Set([...failures, state.reason]);
}

// Long enough to be steady between bursts, short enough to follow a host that slows down.
const averagingTime = 10_000;
const minSampleTime = 100;

function updateRate(rate: MovingRate, finished: number, now: number): MovingRate {
  const passed = now - rate.at;
  if (passed < minSampleTime) return rate;
  const kept = Math.exp(-passed / averagingTime);
  const perSecond = ((finished - rate.finished) / passed) * 1_000;
  return {
    at: now,
    finished,
    weighted: rate.weighted * kept + perSecond * (1 - kept),
    weight: rate.weight * kept + (1 - kept),
  };
}

/** Returns the lines ended per second, averaged over about ten seconds; 0 before the first sample. */
export function perSecond({ rate }: Progress): number {
  return rate.weight === 0 ? 0 : rate.weighted / rate.weight;
}

/** Returns the milliseconds to the end at the present rate; undefined before the list is read, and at a rate of 0. */
export function timeLeft(progress: Progress): number | undefined {
  const rate = perSecond(progress);
  if (!progress.inputEnded || rate <= 0) return undefined;
  return (progress.totals.waiting / rate) * 1_000;
}
