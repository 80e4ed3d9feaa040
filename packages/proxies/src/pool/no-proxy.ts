import { summarizeError } from "@holdfast/http/internal";
import { NoProxyError } from "@holdfast/http";
import { healthAt } from "../state/hosts.ts";
import type { Host, Member } from "../state/member.ts";

/** A host without an available proxy. */
export interface NoProxyAvailable {
  readonly host: Host;
  /** The earliest known instant, on the pool's clock, at which a proxy is available: `Infinity` if none ever will be. */
  readonly availableAt: number;
}

/** How often a waiting request checks whether a source has new proxies, in milliseconds. */
export const sourceCheckInterval = 1_000;

/** Limits of a wait for a proxy. Instants are on the pool's clock. */
export interface WaitLimits {
  readonly now: number;
  readonly deadline: number;
  /** Whether requests wait when no proxy is available. */
  readonly waitsWhenEmpty: boolean;
  /** Whether a source may add proxies. */
  readonly canChange: boolean;
}

/** Returns when a waiting request checks again; undefined if it does not wait, or not for so long. */
export function nextCheckAt(
  availableAt: number,
  { now, deadline, waitsWhenEmpty, canChange }: WaitLimits,
): number | undefined {
  const checkAt = canChange ? Math.min(availableAt, now + sourceCheckInterval) : availableAt;
  return waitsWhenEmpty && checkAt < Infinity && checkAt <= deadline ? checkAt : undefined;
}

/** Creates the error for a request without an available proxy; `retryAt`, in milliseconds since 1970, is when one will be. */
export function noProxyError(
  host: Host,
  retryAt: number,
  { members, country }: { readonly members: Iterable<Member>; readonly country: string | undefined },
): NoProxyError {
  const when = retryAt === Infinity ? "" : ` until ${new Date(retryAt).toISOString()}`;
  const message = `No proxy is available for ${host.name}${when}: ${summarizeReasons(members, host, country)}`;
  return new NoProxyError(message, { target: host.name, retryAt });
}

/** Creates the error for a request to a pool that has no proxies yet because a source failed. */
export function noSourceError(target: string, cause: unknown): NoProxyError {
  const message = `The proxy source failed, so no proxy is available for ${target}: ${summarizeError(cause).message}`;
  return new NoProxyError(message, { target, retryAt: Infinity, cause });
}

// A sample explains a pool of thousands as well as the full list.
const sampleSize = 100;

/** Summarizes why no proxy is available: `2 http-403, 1 proxy-auth`. */
function summarizeReasons(members: Iterable<Member>, host: Host, country: string | undefined): string {
  const reasons = new Map<string, number>();
  let checked = 0;
  for (const member of members) {
    if ((checked += 1) > sampleSize) break;
    const reason = member.isIn(country?.toLowerCase())
      ? unavailableReason(member, host)
      : countryMismatch(country);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (checked === 0) return "the pool is empty";
  const counted = [...reasons]
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`);
  return `${checked > sampleSize ? `of the first ${sampleSize} ` : ""}${counted.join(", ")}`;
}

function countryMismatch(country: string | undefined): string {
  return country === undefined
    ? "has {country} in its template, but the request names no country"
    : "in another country";
}

function unavailableReason(member: Member, host: Host): string {
  const paused = [member.health, healthAt(host, member)].find(({ at }) => at !== "available");
  return paused === undefined || paused.at === "available" ? "busy, or without budget" : paused.reason;
}
