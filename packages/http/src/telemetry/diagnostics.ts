import { channel } from "node:diagnostics_channel";
import { summarizeRequest, type RequestSummary } from "../model/request-summary.ts";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { GiveUp } from "./give-up.ts";
import type { Hooks } from "./hooks.ts";
import type { HttpRequest } from "../model/request.ts";

/** The message of `holdfast:attempt` after each attempt, and of `holdfast:retry` before each further attempt. */
export interface AttemptMessage extends AttemptRecord {}

/** The message of `holdfast:give-up` for each call that ended without success. */
export interface GiveUpMessage extends RequestSummary, GiveUp {}

/** The names of the diagnostics channels, for `subscribe` of node:diagnostics_channel. */
export const channelNames = {
  attempt: "holdfast:attempt",
  retry: "holdfast:retry",
  giveUp: "holdfast:give-up",
  /** Carries each `ProxyEvent` of every `ProxyPool`, which publishes it. */
  proxy: "holdfast:proxy",
} as const;

const attempts = channel(channelNames.attempt);
const retries = channel(channelNames.retry);
const giveUps = channel(channelNames.giveUp);

/** A request and the hooks that observe it. */
export interface ObservedCall {
  readonly hooks: Hooks;
  readonly request: HttpRequest;
}

/** Returns whether a hook or a subscriber observes attempts. Otherwise no record is built. */
export function areAttemptsObserved({ hooks }: ObservedCall): boolean {
  return hooks.attempt.length > 0 || attempts.hasSubscribers;
}

/** Returns whether a hook or a subscriber observes retries. */
export function areRetriesObserved({ hooks }: ObservedCall): boolean {
  return hooks.retry.length > 0 || retries.hasSubscribers;
}

/** Passes the record of an attempt to the hooks and the channel. */
export function reportAttempt({ hooks, request }: ObservedCall, record: AttemptRecord): void {
  for (const hook of hooks.attempt) hook(record, request);
  if (attempts.hasSubscribers) attempts.publish({ ...record } satisfies AttemptMessage);
}

/** Publishes that another attempt follows. */
export function publishRetry(record: AttemptRecord): void {
  if (retries.hasSubscribers) retries.publish({ ...record } satisfies AttemptMessage);
}

/** Passes a call that ended without success to the hooks and the channel. */
export function reportGiveUp({ hooks, request }: ObservedCall, make: () => GiveUp): void {
  if (hooks.giveUp.length === 0 && !giveUps.hasSubscribers) return;
  const giveUp = make();
  for (const hook of hooks.giveUp) hook(giveUp, request);
  if (giveUps.hasSubscribers)
    giveUps.publish({ ...summarizeRequest(request), ...giveUp } satisfies GiveUpMessage);
}
