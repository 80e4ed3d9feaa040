import { createHash } from "node:crypto";
import { redact, type RetryProgress } from "@holdfast/policy";
import { isRetryProgress } from "@holdfast/policy/internal";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { HttpRequest } from "../model/request.ts";
import { isObject, quote } from "../support/validate.ts";
import type { Retry } from "../retry/retry.ts";

/**
 * A call that was suspended, as plain JSON without credentials: all that another call, also in another process, needs to
 * continue with the same attempts, retries and times. It has no part of a body. Durations are milliseconds.
 */
export interface CallContinuation {
  readonly version: 1;
  /** Recognises the request: a hash of its method and URL. */
  readonly request: string;
  /** The progress of the retry loop since the latest redirect. */
  readonly progress: RetryProgress;
  /** The call's own time so far: attempts and back-off. */
  readonly elapsed: number;
  /** Time on the wire, for `timeout.wire`. */
  readonly wireTime: number;
  /** The redirects that were followed, oldest first. */
  readonly redirects: readonly FollowedRedirect[];
  /** The latest attempts, oldest first, without the method and the URL of the current request. */
  readonly attempts: readonly StoredAttempt[];
  /** How many attempts of the call come before them. */
  readonly forgotten: number;
  /** How many attempts were made since the latest redirect, and how many of them count for the back-off. */
  readonly made: number;
  readonly counted: number;
  /** The waits that were no failure of the call. */
  readonly parks: number;
  /** By how much each counter of the `Retry` was lowered. */
  readonly spent: RetryCounts;
  /** The key that all attempts send. */
  readonly idempotencyKey?: string | undefined;
}

/** A redirect that was followed. */
export interface FollowedRedirect {
  readonly status: number;
  readonly location: string;
}

/** An attempt in a continuation. Method and URL are absent for those of the current request. */
export type StoredAttempt = Omit<AttemptRecord, "method" | "url"> &
  Partial<Pick<AttemptRecord, "method" | "url">>;

/** Numbers by counter of a `Retry`. */
export interface RetryCounts {
  readonly total?: number;
  readonly connect?: number;
  readonly read?: number;
  readonly redirect?: number;
  readonly status?: number;
  readonly other?: number;
}

const counters: readonly (keyof RetryCounts)[] = ["total", "connect", "read", "redirect", "status", "other"];

// An attempt takes about 400 bytes.
const maxAttempts = 100;
const maxAttemptBytes = 32_768;
// Twenty redirects take about 2,000 bytes.
const maxRedirectBytes = 16_384;

/** Returns what recognises a request in its continuation. */
export function requestHash({ method, url }: Pick<HttpRequest, "method" | "url">): string {
  return createHash("sha256").update(`${method} ${url.href}`).digest("base64url").slice(0, 16);
}

/** Returns by how much the counters of `left` are lower than those of `rule`. */
export function spentCounts(rule: Retry, left: Retry): RetryCounts {
  const spent = counters.map((name) => [name, Number(rule[name] ?? 0) - Number(left[name] ?? 0)] as const);
  return Object.fromEntries(spent.filter(([, count]) => count > 0));
}

/** Returns the counters of a rule after `spent`. A counter without a limit, or switched off, stays as it is. */
export function countersLeft(rule: Retry, spent: RetryCounts): Pick<Retry, keyof RetryCounts> {
  const { total, connect, read, redirect, status, other } = rule;
  const all = { total, connect, read, redirect, status, other };
  for (const name of counters) {
    const left = all[name];
    if (typeof left === "number") all[name] = Math.max(0, left - (spent[name] ?? 0));
  }
  return all;
}

/**
 * Returns the redirects to keep. With a credential in a Location, or if they are too long, the call starts at its first URL
 * again: a signed URL would often have expired, too.
 */
export function keptRedirects(redirects: readonly FollowedRedirect[]): readonly FollowedRedirect[] {
  const isSecret = redirects.some(({ location }) => redact(location) !== location);
  return isSecret || JSON.stringify(redirects).length > maxRedirectBytes ? [] : redirects;
}

/** Returns the latest attempts that a continuation has room for, at least one. */
export function latestAttempts(attempts: readonly StoredAttempt[]): readonly StoredAttempt[] {
  const kept: StoredAttempt[] = [];
  let bytes = 0;
  for (const attempt of attempts.slice(-maxAttempts).toReversed()) {
    bytes += JSON.stringify(attempt).length;
    if (bytes > maxAttemptBytes && kept.length > 0) break;
    kept.push(attempt);
  }
  return kept.toReversed();
}

/**
 * Reads the `continuation` option of a request.
 *
 * @throws TypeError for a value that is not the continuation of this request.
 */
export function readContinuation(value: unknown, request: HttpRequest): CallContinuation {
  if (!isObject(value) || value["version"] !== 1 || !isContinuation(value))
    throw new TypeError(
      `request.continuation must be the continuation of a suspended request, got ${quote(value)}`,
    );
  if (value.request !== requestHash(request))
    throw new TypeError("request.continuation belongs to a request with another method or URL");
  return value;
}

function isContinuation(value: object): value is CallContinuation {
  const field = (name: string): unknown => Reflect.get(value, name);
  const isCount = (name: string): boolean => isAmount(field(name));
  return (
    typeof field("request") === "string" &&
    isRetryProgress(field("progress")) &&
    ["elapsed", "wireTime", "forgotten", "made", "counted", "parks"].every(isCount) &&
    isListOf(field("redirects"), isRedirect) &&
    isListOf(field("attempts"), isStoredAttempt) &&
    isCounts(field("spent")) &&
    ["string", "undefined"].includes(typeof field("idempotencyKey"))
  );
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isItem(item));
}

function isAmount(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value < Infinity;
}

function isRedirect(value: unknown): boolean {
  return isObject(value) && typeof value["status"] === "number" && typeof value["location"] === "string";
}

function isStoredAttempt(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value["number"] === "number" &&
    typeof value["startedAt"] === "number" &&
    typeof value["decision"] === "string" &&
    isObject(value["verdict"]) &&
    typeof value["verdict"]["reason"] === "string"
  );
}

function isCounts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isAmount);
}
