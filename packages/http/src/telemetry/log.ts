import { redact, type Logger } from "@holdfast/policy";
import { formatMs, isSecretHeader, shorten } from "@holdfast/policy/internal";
import type { AttemptRecord } from "../model/attempt-record.ts";
import { isFailure } from "./call-failure.ts";
import type { GiveUp } from "./give-up.ts";
import type { HooksInit } from "./hooks.ts";
import type { HttpRequest } from "../model/request.ts";

/** The levels at which `logTo` logs, the least important first. */
export type SessionLogLevel = "debug" | "warn" | "error";

const levels: readonly SessionLogLevel[] = ["debug", "warn", "error"];

// In characters: a header of a server may have 256 KiB.
const maxLineLength = 8_192;

/** The options of `logTo`. */
export interface LogToOptions {
  /** The lowest level to log. @default "debug" */
  readonly level?: SessionLogLevel;
  /** Also logs the headers of every request and response at debug, without credentials. @default false */
  readonly headers?: boolean;
  /** Names of further headers. The log replaces their values by `***`, for example `["X-Tenant"]`. @default [] */
  readonly sensitiveHeaders?: readonly string[];
}

/**
 * Creates hooks that log the requests of a session, one line per event: `new Session({ hooks: logTo(console) })`.
 *
 * - `debug`: every attempt with its status or error, refused cookies, and calls that the caller cancelled.
 * - `warn`: every wait before another attempt, and responses that a retry would not improve, such as a 404.
 * - `error`: every call that gave up, with advice.
 *
 * urllib3 also logs attempts at debug and retries at warning. URLs, headers and messages have no credentials.
 */
export function logTo(
  logger: Logger<SessionLogLevel>,
  { level: least = "debug", headers = false, sensitiveHeaders = [] }: LogToOptions = {},
): HooksInit {
  const log = (level: SessionLogLevel, line: string): void => {
    if (levels.indexOf(level) >= levels.indexOf(least)) logger[level](shorten(redact(line), maxLineLength));
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
      request: [(request) => logHeaders(">", headerLines(request))],
      response: [(response) => logHeaders("<", response.headers)],
    }),
    attempt: [(attempt, request) => log("debug", formatAttempt(attempt, request))],
    retry: [(attempt, request) => log("warn", formatRetry(attempt, request))],
    giveUp: [(giveUp, request) => log(levelOfGiveUp(giveUp), formatGiveUp(giveUp, request))],
    cookieRefused: [
      ({ name, reason }, request) =>
        log(
          "debug",
          `${describeRequest(request)} set the cookie ${JSON.stringify(name)}, which was refused: ${reason}`,
        ),
    ],
    // An error with the properties of `Failure` was logged when the call gave up. Any other was caused by the caller.
    error: [
      (error, request) => {
        if (!isFailure(error)) log("debug", `${describeRequest(request)} was cancelled: ${String(error)}`);
      },
    ],
  };
}

function levelOfGiveUp({ status, error, decision }: GiveUp): SessionLogLevel {
  return status !== undefined && error === undefined && decision.startsWith("not-retried") ? "warn" : "error";
}

function formatAttempt(attempt: AttemptRecord, request: HttpRequest): string {
  const via = attempt.proxy === undefined ? "" : ` through ${attempt.proxy}`;
  return `${describeRequest(request)} attempt ${attempt.number}${via} took ${formatMs(attempt.elapsed)}: ${describeOutcome(attempt)}`;
}

function formatRetry(
  { number, delay = 0, delaySource, ...attempt }: AttemptRecord,
  request: HttpRequest,
): string {
  const wait = `${formatMs(delay)} (${delaySource ?? "back-off"})`;
  return `${describeRequest(request)} will be retried in ${wait} after attempt ${number}: ${describeOutcome(attempt)}`;
}

function formatGiveUp(giveUp: GiveUp, request: HttpRequest): string {
  const { attempts, elapsed, decision, verdict } = giveUp;
  const count = `${attempts.length} ${attempts.length === 1 ? "attempt" : "attempts"}`;
  const advice = verdict.advice === "" ? "" : `. Advice: ${verdict.advice}`;
  return `${describeRequest(request)} failed after ${count} in ${formatMs(elapsed)}: ${describeOutcome(giveUp)} (${decision})${advice}`;
}

function describeRequest({ method, url }: HttpRequest): string {
  return `${method} ${url.href}`;
}

function describeOutcome({ status, error }: Pick<AttemptRecord, "status" | "error">): string {
  return error === undefined ? String(status) : `${error.name}: ${error.message}`;
}

function headerLines({ headers }: HttpRequest): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): readonly [string, string] => [name, value]),
  );
}
