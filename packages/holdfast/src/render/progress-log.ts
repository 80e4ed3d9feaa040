import type { RunEvent } from "@holdfast/runner";
import { printable } from "../process/printable.ts";
import { formatAdvice } from "./advice.ts";
import { perSecond, timeLeft } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatCount, formatMany, formatRate, formatSeconds } from "./quantities.ts";

/** Formats the line that a log receives every ten seconds. */
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

// A shorter pause ends before a person has read about it.
const minLoggedPause = 2_000;

const hostReasons = {
  parked: "requested a pause of",
  silent: "does not respond: trying again in",
  failing: "fails every request: trying again in",
  refusing: "refuses every request: trying again in",
} as const;

/**
 * Formats the line that a log receives immediately after an event: for invalid lines, the end of the list, long pauses, and
 * the first failure with each reason. Undefined for all other events.
 */
export function formatEvent(progress: Progress, event: RunEvent): string | undefined {
  switch (event.type) {
    case "planned":
      return event.invalid === 0
        ? undefined
        : `${formatMany(event.invalid, "line")} ${event.invalid === 1 ? "has" : "have"} no valid URL (see the report)`;
    case "input-ended":
      return `list read: ${formatMany(progress.totals.lines, "line")}, ${formatCount(progress.totals.waiting)} to fetch`;
    case "host-deferred": {
      const pause = event.until - progress.date;
      return pause < minLoggedPause
        ? undefined
        : `${printable(event.host)} ${hostReasons[event.reason]} ${formatSeconds(pause)}`;
    }
    case "host-down":
      return `${printable(event.host)} is given up: ${formatMany(event.lines, "line")} ended as ${event.reason}`;
    case "no-proxy": {
      const pause = event.until - progress.date;
      return pause < minLoggedPause
        ? undefined
        : `${printable(event.why, 500)}; retrying in ${formatSeconds(pause)}`;
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
