import type { JobOutcome, PlanCounts, RunEvent, RunTotals } from "@holdfast/runner";
import type { InterruptStage } from "../process/interrupts.ts";

/** Everything that can change what the progress shows: the run's events, time, and a person's wish to stop. */
export type ProgressInput =
  | RunEvent
  | { readonly type: "tick"; readonly now: number /* monotonic ms */; readonly date: number /* epoch ms */ }
  | { readonly type: "interrupted"; readonly stage: InterruptStage };

/** A rate that forgets: an exponentially weighted moving average, corrected for its short past at the start. */
interface MovingRate {
  readonly at: number;
  readonly finished: number;
  readonly weighted: number;
  readonly weight: number;
}

/** A run as the progress shows it. */
export interface Progress {
  readonly totals: Pick<RunTotals, "lines" | "done" | "failed" | "skipped" | "unknown" | "waiting">;
  readonly inFlight: number;
  readonly inputEnded: boolean;
  readonly stage: InterruptStage;
  /** The host that nothing is sent to for a while, because it asked for that or because no proxy is fit: the latest one. */
  readonly held:
    | {
        readonly host: string;
        readonly until: number /* epoch ms */;
        readonly by: "host" | "proxies";
      }
    | undefined;
  /** Lines that this process ended. */
  readonly finished: number;
  /** The reasons for which lines have failed for now or for good. */
  readonly failures: ReadonlySet<string>;
  readonly rate: MovingRate;
  readonly date: number;
}

const nothingYet: Progress["totals"] = {
  lines: 0,
  done: 0,
  failed: 0,
  skipped: 0,
  unknown: 0,
  waiting: 0,
};

/** The progress before anything has happened, of a run that holds `totals` from before. */
export function startProgress(now: number, date: number, totals: Progress["totals"] = nothingYet): Progress {
  return {
    totals,
    inFlight: 0,
    inputEnded: false,
    stage: "none",
    held: undefined,
    finished: 0,
    failures: new Set(),
    rate: { at: now, finished: 0, weighted: 0, weight: 0 },
    date,
  };
}

/** Gives the progress after one more input. */
export function foldProgress(progress: Progress, input: ProgressInput): Progress {
  switch (input.type) {
    case "tick":
      return {
        ...progress,
        date: input.date,
        held: progress.held !== undefined && progress.held.until > input.date ? progress.held : undefined,
        rate: sampleRate(progress.rate, progress.finished, input.now),
      };
    case "interrupted":
      return { ...progress, stage: input.stage };
    case "planned":
      return { ...progress, totals: withPlanned(progress.totals, input) };
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
        failures: withFailure(progress.failures, input.outcome.state),
      };
    case "host-held":
      return { ...progress, held: { host: input.host, until: input.until, by: "host" } };
    case "no-proxy":
      return { ...progress, held: { host: input.host, until: input.until, by: "proxies" } };
    case "progress":
      return { ...progress, totals: input.totals, inFlight: input.inFlight };
  }
}

// The run's own counts follow with the first outcome; a list is seen to grow before that.
function withPlanned(
  totals: Progress["totals"],
  { added, duplicates, invalid }: PlanCounts,
): Progress["totals"] {
  return {
    ...totals,
    lines: totals.lines + added + duplicates + invalid,
    waiting: totals.waiting + added,
    skipped: totals.skipped + duplicates,
    failed: totals.failed + invalid,
  };
}

function withFailure(failures: ReadonlySet<string>, state: JobOutcome["state"]): ReadonlySet<string> {
  return state.at !== "failed" || failures.has(state.reason)
    ? failures
    : new Set([...failures, state.reason]);
}

// Long enough to be calm between bursts, short enough to follow a host that slows down.
const memory = 10_000;
const shortestSample = 100;

function sampleRate(rate: MovingRate, finished: number, now: number): MovingRate {
  const passed = now - rate.at;
  if (passed < shortestSample) return rate;
  const kept = Math.exp(-passed / memory);
  const perSecond = ((finished - rate.finished) / passed) * 1_000;
  return {
    at: now,
    finished,
    weighted: rate.weighted * kept + perSecond * (1 - kept),
    weight: rate.weight * kept + (1 - kept),
  };
}

/** Lines ended per second, as a moving average over about ten seconds; 0 before the first sample. */
export function perSecond({ rate }: Progress): number {
  return rate.weight === 0 ? 0 : rate.weighted / rate.weight;
}

/** Milliseconds until nothing waits any more at the present rate; undefined while that cannot be known. */
export function timeLeft(progress: Progress): number | undefined {
  const rate = perSecond(progress);
  if (!progress.inputEnded || rate <= 0) return undefined;
  return (progress.totals.waiting / rate) * 1_000;
}
