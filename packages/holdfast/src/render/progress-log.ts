import type { RunEvent } from "@holdfast/runner";
import { formatAdvice } from "./advice.ts";
import { printable } from "../process/printable.ts";
import { perSecond, timeLeft } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatCount, formatMany, formatRate, formatSeconds } from "./quantities.ts";

/** Gives the line that a log gets every now and then. */
export function formatProgressLog(progress: Progress): string {
  const { lines, done, failed, skipped, unknown, waiting } = progress.totals;
  const left = timeLeft(progress);
  const parts = [
    `${formatCount(done)} of ${formatCount(lines)} done`,
    failed + unknown > 0 ? `${formatCount(failed + unknown)} failed` : "",
    skipped > 0 ? `${formatCount(skipped)} skipped` : "",
    `${formatCount(waiting)} waiting`,
    formatRate(perSecond(progress)),
    left === undefined ? "" : `about ${formatSeconds(left)} left`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

// A shorter pause is over before anybody has read of it.
const shortestPauseToTell = 2_000;

/** Gives the line that an event deserves at once in a log, if it deserves one: the first failure of a kind does. */
export function formatEvent(progress: Progress, event: RunEvent): string | undefined {
  switch (event.type) {
    case "planned":
      return event.invalid === 0
        ? undefined
        : `${formatMany(event.invalid, "line")} of the list ${event.invalid === 1 ? "is not a URL" : "are not URLs"} to fetch; the report says which`;
    case "input-ended":
      return `the list is read: ${formatMany(progress.totals.lines, "line")}, ${formatCount(progress.totals.waiting)} to fetch`;
    case "host-held": {
      const pause = event.until - progress.date;
      return pause < shortestPauseToTell
        ? undefined
        : `${printable(event.host)} asked for a pause of ${formatSeconds(pause)}`;
    }
    case "no-proxy": {
      const pause = event.until - progress.date;
      return pause < shortestPauseToTell
        ? undefined
        : `${printable(event.why, 500)}; going on in ${formatSeconds(pause)}`;
    }
    case "finished": {
      const { job, outcome } = event;
      const { state, advice } = outcome;
      if (state.at !== "failed" || progress.failures.has(state.reason)) return undefined;
      return `line ${job.line} failed: ${printable(state.reason)}, ${printable(job.url)}${advice === "" ? "" : ` (${formatAdvice(advice)})`}`;
    }
    case "started":
    case "deferred":
    case "progress":
      return undefined;
  }
}
