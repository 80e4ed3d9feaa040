import type { HttpResponse } from "../model/response.ts";
import { serverNow } from "../retry/dialects/hints.ts";
import { toBucketName } from "../retry/dialects/bucket-name.ts";
import { parseStructuredItems, type StructuredItem } from "../retry/dialects/structured-items.ts";
import { delayUntilReset, longestDelay } from "../retry/dialects/values.ts";
import { parseRetryAfter } from "../retry/retry-after.ts";
import { second } from "./tally.ts";

/** A rate limit as a response announces it: the remaining requests may be sent immediately, all others after the reset. */
export interface Quota {
  /** The name of the bucket. Undefined for a limit without a name. */
  readonly scope: string | undefined;
  /** Requests in one window. */
  readonly limit: number;
  readonly remaining: number;
  /** Milliseconds until the reset. */
  readonly delay: number;
  /** Whether the reset is exact. Otherwise it is a whole second, and may be up to one second too late. */
  readonly isExact: boolean;
  /** Milliseconds. Undefined if the server does not announce it. */
  readonly window: number | undefined;
}

type QuotaHeaders = HttpResponse["headers"];

const count = /^\s*(\d{1,15})(?=\s*(?:$|[,;]))/;
const fraction = /^\s*\d+\.\d*[1-9]\d*\s*$/;

// Servers announce one to three limits for a request.
const maxQuotas = 20;

/**
 * Returns the quotas that a response announces with limit, remainder and reset: RateLimit with its policy, its older forms,
 * and X-RateLimit. Empty if one of the three is missing. `now` is the arrival in milliseconds since 1970.
 */
export function readQuotas({ headers }: HttpResponse, now: number): readonly Quota[] {
  const instant = serverNow({ headers, now });
  const quotas = structured(headers) ?? [
    dictionary(headers) ?? prefixed(headers, "ratelimit-", instant),
    prefixed(headers, "x-ratelimit-", instant),
    prefixed(headers, "x-rate-limit-", instant),
  ];
  const found = quotas.filter((quota) => quota !== undefined).slice(0, maxQuotas);
  const [first, ...others] = found;
  return first === undefined ? found : [refine(first, headers, instant), ...others];
}

/** Retry-After is more exact than a reset in seconds since 1970, and less exact than one with a fraction. */
function refine(quota: Quota, headers: QuotaHeaders, now: number): Quota {
  const text = headers.get("retry-after");
  const asked = text === null ? undefined : parseRetryAfter(text, now)?.delay;
  if (text === null || asked === undefined || Math.abs(asked - quota.delay) > second) return quota;
  const isExact = fraction.test(text);
  return quota.isExact && !isExact ? quota : { ...quota, delay: asked, isExact };
}

function structured(headers: QuotaHeaders): readonly (Quota | undefined)[] | undefined {
  const items = parseStructuredItems(headers.get("ratelimit") ?? "");
  const policies = parseStructuredItems(headers.get("ratelimit-policy") ?? "") ?? [];
  return items?.map((item) =>
    toQuota(
      item,
      policies.find(({ name }) => name === item.name),
    ),
  );
}

function toQuota(
  { name, parameters }: StructuredItem,
  policy: StructuredItem | undefined,
): Quota | undefined {
  if ((policy?.parameters.get("qu") ?? "requests") !== "requests") return undefined;
  const [remaining, reset] = [readCount(parameters.get("r")), readCount(parameters.get("t"))];
  const [limit, window] = [readCount(policy?.parameters.get("q")), readCount(policy?.parameters.get("w"))];
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined;
  return {
    scope: toBucketName(name),
    limit,
    remaining,
    delay: reset * second,
    isExact: false,
    window: window && window * second,
  };
}

/** Reads draft 07: `RateLimit: limit=20, remaining=0, reset=2`. */
function dictionary(headers: QuotaHeaders): Quota | undefined {
  const field = headers.get("ratelimit") ?? "";
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    readCount(new RegExp(`(?:^|,)\\s*${name}=(\\d+)\\s*(?=$|[,;])`).exec(field)?.[1]),
  );
  if (!limit || remaining === undefined || reset === undefined) return undefined;
  const window = policyWindow(headers, limit);
  return { scope: undefined, limit, remaining, delay: reset * second, isExact: false, window };
}

function prefixed(headers: QuotaHeaders, prefix: string, now: number): Quota | undefined {
  const [limit, remaining] = ["limit", "remaining"].map((name) => readCount(headers.get(prefix + name)));
  const [text, after] = [headers.get(`${prefix}reset`), headers.get(`${prefix}reset-after`)];
  const delay = longestDelay(after ?? text, (value) => delayUntilReset(value, now));
  if (!limit || remaining === undefined || delay === undefined) return undefined;
  return {
    scope:
      toBucketName(headers.get(`${prefix}bucket`) ?? headers.get(`${prefix}resource`) ?? "") || undefined,
    limit,
    remaining,
    delay,
    isExact: fraction.test(after ?? text ?? ""),
    window: policyWindow(headers, limit),
  };
}

/** Reads the window of the policy of drafts 06 and 07: `20;w=2`. */
function policyWindow(headers: QuotaHeaders, limit: number): number | undefined {
  const field = headers.get("ratelimit-policy") ?? headers.get("ratelimit-limit") ?? "";
  const windows = [...field.matchAll(/(?:^|,)\s*(\d+)\s*;\s*w=(\d{1,9})/g)];
  const window = windows.find(([, requests]) => Number(requests) === limit)?.[2];
  return window === undefined ? undefined : Number(window) * second;
}

function readCount(text: string | null | undefined): number | undefined {
  const digits = count.exec(text ?? "")?.[1];
  return digits === undefined ? undefined : Number(digits);
}
