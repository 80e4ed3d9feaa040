import { ownValue } from "@holdfast/policy/internal";
import type { Dialect, Hint } from "./dialect.ts";
import { readField, readList, parseSeconds, readText } from "./values.ts";

// Statuses after which a later attempt may help (google/rpc/code.proto). Other bodies need no parsing.
const explained: ReadonlySet<number> = new Set([403, 409, 429, 500, 503, 504]);
const reasons: Readonly<Record<string, Hint>> = {
  rateLimitExceeded: { kind: "rate", retry: true, source: "google:rateLimitExceeded" },
  userRateLimitExceeded: { kind: "rate", retry: true, source: "google:userRateLimitExceeded" },
  dailyLimitExceeded: { kind: "quota", retry: false, source: "google:dailyLimitExceeded" },
};

/**
 * Google APIs: the RetryInfo in the details of an error (google/rpc/error_details.proto), and the reasons of a 403 (the page
 * "Resolve errors" of Google Drive), which come first.
 */
export const google: Dialect = ({ status, body }) => {
  if (!explained.has(status)) return undefined;
  const parsed = body?.();
  // A streamed response is a list.
  const error = readField(Array.isArray(parsed) ? parsed[0] : parsed, "error");
  return daily(error, status) ?? retryInfo(error, status) ?? findReasonHint(error);
};

/** An exhausted daily quota, although RetryInfo may state seconds (the page "Rate limits" of Gemini). */
function daily(error: unknown, status: number): Hint | undefined {
  if (status !== 429) return undefined;
  const source = perDay(error)
    ? "QuotaFailure"
    : readText(error, "code") === "quota_exceeded" && "quota_exceeded";
  return source === false ? undefined : { kind: "quota", retry: false, source: `google:${source}` };
}

function perDay(error: unknown): boolean {
  if (readText(error, "status") !== "RESOURCE_EXHAUSTED") return false;
  return readList(error, "details")
    .filter((detail) => readField(detail, "@type") === "type.googleapis.com/google.rpc.QuotaFailure")
    .flatMap((failure) => readList(failure, "violations"))
    .some((violation) => readText(violation, "quotaId").includes("PerDay"));
}

function retryInfo(error: unknown, status: number): Hint | undefined {
  const info = readList(error, "details").find(
    (detail) => readField(detail, "@type") === "type.googleapis.com/google.rpc.RetryInfo",
  );
  const delay = parseProtobufDuration(readField(info, "retryDelay"));
  if (delay === undefined) return undefined;
  return { kind: status === 429 ? "rate" : "overload", delay, retry: true, source: "google:RetryInfo" };
}

/** Parses a protobuf Duration: in JSON form (`3.5s`), or as its two fields, either of which may be missing if 0. */
function parseProtobufDuration(value: unknown): number | undefined {
  if (typeof value === "string") return value.endsWith("s") ? parseSeconds(value.slice(0, -1)) : undefined;
  const parts = [readField(value, "seconds"), readField(value, "nanos")];
  if (parts.every((part) => part === undefined)) return undefined;
  const [seconds = NaN, nanos = NaN] = parts.map(toWholeNumber);
  return nanos < 1e9 ? parseSeconds(String(seconds + nanos / 1e9)) : undefined;
}

/** JSON represents an int64 as a string. */
function toWholeNumber(value: unknown = 0): number {
  return typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value))
    ? Number(value)
    : NaN;
}

function findReasonHint(error: unknown): Hint | undefined {
  const errorReasons = readList(error, "errors").map((one) => readText(one, "reason"));
  return errorReasons.map((reason) => ownValue(reasons, reason)).find((hint) => hint !== undefined);
}
