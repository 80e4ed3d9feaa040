import { summarizeError } from "@holdfast/http/internal";
import { NoProxyError } from "@holdfast/http";
import { healthAt } from "../state/hosts.ts";
import type { Host, Member } from "../state/member.ts";

/** A host for which nobody is fit. */
export interface NoProxyAvailable {
  readonly host: Host;
  /** When somebody is, on the pool's clock, as far as is known: `Infinity` when nobody ever is. */
  readonly availableAt: number;
}

/** How long a request sleeps before it looks whether a source has new proxies, in milliseconds. */
export const sourceCheckInterval = 1_000;

/** How a pool, and a request for which nobody is fit, may wait. Instants are on the pool's clock. */
export interface WaitLimits {
  readonly now: number;
  readonly deadline: number;
  /** Whether requests wait at all. */
  readonly waits: boolean;
  /** Whether new proxies may come by themselves. */
  readonly changes: boolean;
}

/** When a request looks again whether somebody is fit; undefined where it does not wait, or not for so long. */
export function nextCheckAt(
  freeAt: number,
  { now, deadline, waits, changes }: WaitLimits,
): number | undefined {
  const lookAt = changes ? Math.min(freeAt, now + sourceCheckInterval) : freeAt;
  return waits && lookAt < Infinity && lookAt <= deadline ? lookAt : undefined;
}

/** The error of a request that no proxy is fit for; `retryAt`, in milliseconds since 1970, is when one is. */
export function noProxyError(
  host: Host,
  retryAt: number,
  { members, country }: { readonly members: Iterable<Member>; readonly country: string | undefined },
): NoProxyError {
  const when = retryAt === Infinity ? "" : ` until ${new Date(retryAt).toISOString()}`;
  const message = `No proxy is fit for ${host.name}${when}: ${whyNobody(members, host, country)}`;
  return new NoProxyError(message, { target: host.name, retryAt });
}

/** The error of a request whose pool has no proxies yet, because their source failed. */
export function noSourceError(target: string, cause: unknown): NoProxyError {
  const message = `No proxy is known for ${target}: ${summarizeError(cause).message}`;
  return new NoProxyError(message, { target, retryAt: Infinity, cause });
}

// Who has thousands of proxies needs no list of them to understand.
const fewEnough = 100;

/** Says for a person why no proxy is fit for a host, or in a country: `2 http-403, 1 proxy-auth`. */
function whyNobody(members: Iterable<Member>, host: Host, country: string | undefined): string {
  const reasons = new Map<string, number>();
  let looked = 0;
  for (const member of members) {
    if ((looked += 1) > fewEnough) break;
    const reason = member.isIn(country?.toLowerCase()) ? reasonOf(member, host) : whyNotThere(country);
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (looked === 0) return "the pool has none";
  const counted = [...reasons]
    .toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} ${reason}`);
  return `${looked > fewEnough ? `of the first ${fewEnough} ` : ""}${counted.join(", ")}`;
}

function whyNotThere(country: string | undefined): string {
  return country === undefined ? "with a {country} in its template, and none is named" : "elsewhere";
}

function reasonOf(member: Member, host: Host): string {
  const paused = [member.health, healthAt(host, member)].find(({ at }) => at !== "available");
  return paused === undefined || paused.at === "available" ? "busy, or its budget is spent" : paused.reason;
}
