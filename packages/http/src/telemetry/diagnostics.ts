import { channel } from "node:diagnostics_channel";
import { summarizeRequest, type RequestSummary } from "../model/request-summary.ts";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { GiveUp } from "./give-up.ts";
import type { Hooks } from "./hooks.ts";
import type { HttpRequest } from "../model/request.ts";

/** What `holdfast:attempt` carries for each attempt that has ended, and `holdfast:retry` for each that another one follows. */
export interface AttemptMessage extends AttemptRecord {}

/** What `holdfast:give-up` carries for each call that ended without success. */
export interface GiveUpMessage extends RequestSummary, GiveUp {}

/** The names of the channels, for `subscribe` of node:diagnostics_channel. */
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

/** Who is to hear of a request. */
export interface ObservedCall {
  readonly hooks: Hooks;
  readonly request: HttpRequest;
}

/** Whether anybody wants to hear of attempts: what nobody wants is not even built. */
export function areAttemptsObserved({ hooks }: ObservedCall): boolean {
  return hooks.attempt.length > 0 || attempts.hasSubscribers;
}

/** Tells hooks and channel that an attempt has ended. */
export function reportAttempt({ hooks, request }: ObservedCall, record: AttemptRecord): void {
  for (const hook of hooks.attempt) hook(record, request);
  if (attempts.hasSubscribers) attempts.publish({ ...record } satisfies AttemptMessage);
}

/** Tells the channel that another attempt will follow. */
export function publishRetry(record: AttemptRecord): void {
  if (retries.hasSubscribers) retries.publish({ ...record } satisfies AttemptMessage);
}

/** Tells hooks and channel that a call ended without success. */
export function reportGiveUp({ hooks, request }: ObservedCall, make: () => GiveUp): void {
  if (hooks.giveUp.length === 0 && !giveUps.hasSubscribers) return;
  const giveUp = make();
  for (const hook of hooks.giveUp) hook(giveUp, request);
  if (giveUps.hasSubscribers)
    giveUps.publish({ ...summarizeRequest(request), ...giveUp } satisfies GiveUpMessage);
}
