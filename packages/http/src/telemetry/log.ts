import { redact, type Logger } from "@holdfast/policy";
import { formatMs, isSecretHeader } from "@holdfast/policy/internal";
import type { AttemptRecord } from "../model/attempt-record.ts";
import { isFailure } from "./call-failure.ts";
import type { GiveUp } from "./give-up.ts";
import type { HooksInit } from "./hooks.ts";
import type { HttpRequest } from "../model/request.ts";

/** The levels at which `logTo` logs, the least important first. */
export type SessionLogLevel = "debug" | "warn" | "error";

const levels: readonly SessionLogLevel[] = ["debug", "warn", "error"];

/** How much `logTo` logs. */
export interface LogToOptions {
  /** The least important level that is logged. @default "debug" */
  readonly level?: SessionLogLevel;
  /** Logs the headers of every request and response too, at debug, credentials left out. @default false */
  readonly headers?: boolean;
  /** Headers whose values are left out besides those that are known to carry credentials. @default none */
  readonly sensitiveHeaders?: readonly string[];
}

/**
 * Makes hooks that log what a session does, a line at a time: `new Session({ hooks: logTo(console) })`.
 *
 * At `debug` every attempt, with its status or error, and what the caller ended; at `warn` every wait before another
 * attempt, and an answer that none would better, such as a 404; at `error` every call that gave up, with the advice
 * (urllib3 logs attempts at debug and retries at warning). URLs, headers and messages come without credentials.
 */
export function logTo(
  logger: Logger<SessionLogLevel>,
  { level: least = "debug", headers = false, sensitiveHeaders = [] }: LogToOptions = {},
): HooksInit {
  const log = (level: SessionLogLevel, line: string): void => {
    if (levels.indexOf(level) >= levels.indexOf(least)) logger[level](redact(line));
  };
  const sensitive = new Set(sensitiveHeaders.map((name) => name.toLowerCase()));
  const logHeaders = (direction: ">" | "<", lines: Iterable<readonly [string, string]>): void => {
    for (const [name, value] of lines) {
      const hidden = sensitive.has(name.toLowerCase()) || isSecretHeader(name);
      log("debug", `${direction} ${name}: ${hidden ? "***" : value}`);
    }
  };
  return {
    ...(headers && {
      request: [(request) => logHeaders(">", linesOf(request))],
      response: [(response) => logHeaders("<", response.headers)],
    }),
    attempt: [(attempt, request) => log("debug", attemptLine(attempt, request))],
    retry: [(attempt, request) => log("warn", retryLine(attempt, request))],
    giveUp: [(giveUp, request) => log(levelOf(giveUp), giveUpLine(giveUp, request))],
    // What tells the story of its call was logged when the call gave up; the rest is the caller's own doing.
    error: [
      (error, request) => {
        if (!isFailure(error)) log("debug", `${nameOf(request)} was ended by ${String(error)}`);
      },
    ],
  };
}

function levelOf({ status, error, decision }: GiveUp): SessionLogLevel {
  return status !== undefined && error === undefined && decision.startsWith("not-retried") ? "warn" : "error";
}

function attemptLine(attempt: AttemptRecord, request: HttpRequest): string {
  const via = attempt.proxy === undefined ? "" : ` through ${attempt.proxy}`;
  return `${nameOf(request)} attempt ${attempt.number}${via} took ${formatMs(attempt.elapsed)}: ${outcomeOf(attempt)}`;
}

function retryLine(
  { number, delay = 0, delaySource, ...attempt }: AttemptRecord,
  request: HttpRequest,
): string {
  const wait = `${formatMs(delay)} (${delaySource ?? "back-off"})`;
  return `${nameOf(request)} will be tried again in ${wait} after attempt ${number}: ${outcomeOf(attempt)}`;
}

function giveUpLine(giveUp: GiveUp, request: HttpRequest): string {
  const { attempts, elapsed, decision, verdict } = giveUp;
  const count = `${attempts.length} ${attempts.length === 1 ? "attempt" : "attempts"}`;
  const advice = verdict.advice === "" ? "" : `. Advice: ${verdict.advice}`;
  return `${nameOf(request)} failed after ${count} in ${formatMs(elapsed)}: ${outcomeOf(giveUp)} (${decision})${advice}`;
}

function nameOf({ method, url }: HttpRequest): string {
  return `${method} ${url.href}`;
}

function outcomeOf({ status, error }: Pick<AttemptRecord, "status" | "error">): string {
  return error === undefined ? String(status) : `${error.name}: ${error.message}`;
}

function linesOf({ headers }: HttpRequest): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): readonly [string, string] => [name, value]),
  );
}
