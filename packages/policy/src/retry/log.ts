import { formatMs } from "../clock/duration.ts";
import type { Outcome } from "../core/outcome.ts";
import { redact } from "../support/redact.ts";
import type { Callback, RetryOptions } from "./options.ts";

/** The levels that both `console` and pino have. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** Anything that takes a line of text at this level: `console`, a pino logger, your own. */
export type Logger<Level extends LogLevel = LogLevel> = Readonly<Record<Level, (line: string) => void>>;

/** Logs each attempt before it begins; for `before` of a retry. */
export function beforeLog<Level extends LogLevel>(
  logger: Logger<Level>,
  level: Level,
): NonNullable<RetryOptions["before"]> {
  return (attempt) => logger[level](`Starting attempt ${attempt}`);
}

/** Logs each attempt that a retry asked to repeat, once it has ended; for `after` of a retry. */
export function afterLog<Level extends LogLevel>(logger: Logger<Level>, level: Level): Callback {
  return ({ number, elapsed, outcome }) =>
    logger[level](`Finished attempt ${number} after ${formatMs(elapsed)}: ${describeOutcome(outcome)}`);
}

/**
 * Logs each wait before it begins, with its reason; for `beforeSleep` of a retry. Values are never logged, and errors
 * without what looks like credentials.
 */
export function beforeSleepLog<Level extends LogLevel>(
  logger: Logger<Level>,
  level: Level,
): NonNullable<RetryOptions["beforeSleep"]> {
  return ({ number, outcome }, delay) =>
    logger[level](`Retrying in ${formatMs(delay)} after attempt ${number}: ${describeOutcome(outcome)}`);
}

function describeOutcome(outcome: Outcome<unknown>): string {
  if (outcome.ok) return "its result was refused";
  const { error } = outcome;
  if (!(error instanceof Error)) return redact(String(error));
  return redact(error.message === "" ? error.name : `${error.name}: ${error.message}`);
}
