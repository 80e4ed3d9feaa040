import type { AttemptRecord } from "../model/attempt-record.ts";
import type { GiveUp } from "./give-up.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";

/** Sees a request before each attempt, and may give another one in its place. */
export type RequestHook = (request: HttpRequest) => HttpRequest | void | Promise<HttpRequest | void>;

/** Sees every response: redirects, and those that are retried, included (in requests, it is not called for those). */
export type ResponseHook = (response: HttpResponse, request: HttpRequest) => void | Promise<void>;

/** Hears of every attempt when it has ended, and what follows it. */
export type AttemptHook = (attempt: AttemptRecord, request: HttpRequest) => void;

/** Hears that an attempt failed and another one will follow after `attempt.delay` milliseconds. */
export type RetryHook = (attempt: AttemptRecord, request: HttpRequest) => void | Promise<void>;

/** Hears of every call that ends without success, whether it gives back an answer or throws. */
export type GiveUpHook = (giveUp: GiveUp, request: HttpRequest) => void;

/** Hears of every error that ends a call. */
export type ErrorHook = (error: unknown, request: HttpRequest) => void | Promise<void>;

/** The functions that a session calls on its way: push to a list to add one. What one throws ends the call. */
export interface Hooks {
  readonly request: RequestHook[];
  readonly response: ResponseHook[];
  readonly attempt: AttemptHook[];
  readonly retry: RetryHook[];
  readonly giveUp: GiveUpHook[];
  readonly error: ErrorHook[];
}

/** Hooks as options: any list may be missing. */
export type HooksInit = { readonly [Name in keyof Hooks]?: Readonly<Hooks[Name]> };

/** Copies lists of hooks, the first ones first, so that the caller's arrays stay the caller's. */
export function joinHooks(first: HooksInit = {}, then: HooksInit = {}): Hooks {
  return {
    request: join(first.request, then.request),
    response: join(first.response, then.response),
    attempt: join(first.attempt, then.attempt),
    retry: join(first.retry, then.retry),
    giveUp: join(first.giveUp, then.giveUp),
    error: join(first.error, then.error),
  };
}

function join<T>(first: readonly T[] = [], then: readonly T[] = []): T[] {
  return [...first, ...then];
}
