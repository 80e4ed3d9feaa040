import type { Quota } from "./quota.ts";
import type { Speed, Window } from "./rate.ts";
import { second } from "./tally.ts";

type Windowed = Extract<Speed, { at: "windowed" }>;

// The first request of a window shows what remains and when it resets. The others wait for its response this long at most.
const shortestProbe = 50;
const longestProbe = second;
const probeShare = 1 / 20;

/** Returns the speed after a response that says that nothing remains of a window until `resetsAt`. */
export function exhaustedWindow({ limit, window, delay }: Quota, resetsAt: number): Windowed {
  const length = Math.max(1, window ?? delay);
  return {
    at: "windowed",
    limit,
    left: 0,
    resetsAt,
    window: length,
    longerThan: 0,
    since: -Infinity,
    confirmedAt: -Infinity,
  };
}

/** Returns when the next request may be sent. */
export function windowOpensAt(window: Window, now: number): number {
  if (now >= window.resetsAt) return -Infinity;
  if (window.left <= 0) return window.resetsAt;
  return isConfirmed(window) ? -Infinity : Math.min(window.resetsAt, window.since + probeTime(window));
}

/** Returns the window after a request was sent. A request after the reset begins a new window. */
export function afterWindowSent(speed: Windowed, now: number): Windowed {
  if (now < speed.resetsAt) return { ...speed, left: speed.left - 1 };
  return { ...speed, left: speed.limit - 1, since: now, resetsAt: now + speed.window };
}

/** An accepted response, and the quota that it announces. */
export interface WindowResponse {
  readonly now: number;
  /** When its request was sent. */
  readonly sentAt: number;
  readonly quota: Quota | undefined;
}

/** Returns the window after a request was accepted. */
export function afterWindowResponse(speed: Windowed, response: WindowResponse): Windowed {
  const { now, sentAt, quota } = response;
  // The response of an earlier window.
  if (sentAt < speed.since) return speed;
  if (quota === undefined)
    return isConfirmed(speed) ? speed : { ...speed, confirmedAt: now, resetsAt: now + speed.window };
  const left = Math.min(speed.left, quota.remaining);
  if (isConfirmed(speed)) return { ...speed, left, resetsAt: Math.min(speed.resetsAt, now + quota.delay) };
  return { ...speed, left, confirmedAt: now, limit: quota.limit, ...resetOf(speed, quota, now) };
}

/** Returns the end of a window, from its first response. A reset in whole seconds is rounded up. */
function resetOf({ longerThan }: Windowed, quota: Quota, now: number): Pick<Windowed, "resetsAt" | "window"> {
  const { delay, isExact } = quota;
  // Most windows are a whole number of seconds, of which there is one within a second before the rounded reset.
  const window = quota.window ?? Math.floor(delay / second) * second;
  const roundedBy = delay - window;
  return !isExact && window > longerThan && roundedBy >= 0 && roundedBy <= second
    ? { resetsAt: now + window, window }
    : { resetsAt: now + delay, window: Math.max(1, delay) };
}

/**
 * Returns the window after a further response to a burst that exhausted it. The responses name the same reset, each rounded up
 * from its own arrival, so the earliest is the most exact.
 */
export function afterWindowBurst(speed: Windowed, resetsAt: number, quota: Quota | undefined): Windowed {
  const length = quota?.window ?? Math.max(1, quota?.delay ?? Infinity);
  return {
    ...speed,
    resetsAt: Math.min(speed.resetsAt, resetsAt),
    window: speed.confirmedAt === -Infinity ? Math.min(speed.window, length) : speed.window,
  };
}

/** Returns the window after the request sent at `sentAt` was refused until `resetsAt`. */
export function afterWindowRefusal(speed: Windowed, sentAt: number, resetsAt: number): Windowed {
  const { confirmedAt } = speed;
  if (isConfirmed(speed) || confirmedAt === -Infinity) return { ...speed, left: 0, resetsAt };
  // Refused at its beginning: the window is longer than expected.
  const longerThan = Math.max(speed.longerThan, sentAt - confirmedAt);
  const window = Math.max(speed.window, resetsAt - confirmedAt);
  return { ...speed, left: 0, resetsAt, window, longerThan };
}

function isConfirmed({ since, confirmedAt }: Window): boolean {
  return confirmedAt >= since;
}

function probeTime({ window }: Window): number {
  return Math.max(shortestProbe, Math.min(longestProbe, window * probeShare));
}
