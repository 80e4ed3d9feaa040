import { formatMs } from "../clock/duration.ts";
import type { Outcome } from "../core/outcome.ts";
import { redact } from "../support/redact.ts";
import type { Callback, RetryOptions } from "./options.ts";

/** A log level that both `console` and pino have. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** A logger with a method for the level: `console`, a pino logger, or your own. */
export type Logger<Level extends LogLevel = LogLevel> = Readonly<Record<Level, (line: string) => void>>;

/** Logs each attempt before it starts. Use it as the option `before`. */
export function beforeLog<Level extends LogLevel>(
  logger: Logger<Level>,
  level: Level,
): NonNullable<RetryOptions["before"]> {
  return (attempt) => logger[level](`Starting attempt ${attempt}`);
}

/** Logs each attempt that the condition asks to retry, when it has ended. Use it as the option `after`. */
export function afterLog<Level extends LogLevel>(logger: Logger<Level>, level: Level): Callback {
  return ({ number, elapsed, outcome }) =>
    logger[level](`Finished attempt ${number} after ${formatMs(elapsed)}: ${describeOutcome(outcome)}`);
}

/**
 * Logs each wait before it starts, with its reason. Use it as the option `beforeSleep`. Never logs values, and removes
 * text that looks like credentials from errors.
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
