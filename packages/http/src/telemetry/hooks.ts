import type { AttemptRecord } from "../model/attempt-record.ts";
import type { RefusedCookie } from "../model/cookie-bounds.ts";
import type { GiveUp } from "./give-up.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";

/** Called before each attempt. May return a request to send instead. */
export type RequestHook = (request: HttpRequest) => HttpRequest | void | Promise<HttpRequest | void>;

/** Called with every response, including redirects and responses that are retried (requests omits those). */
export type ResponseHook = (response: HttpResponse, request: HttpRequest) => void | Promise<void>;

/** Called after every attempt, with its record. */
export type AttemptHook = (attempt: AttemptRecord, request: HttpRequest) => void;

/** Called when an attempt failed and another one follows after `attempt.delay` milliseconds. */
export type RetryHook = (attempt: AttemptRecord, request: HttpRequest) => void | Promise<void>;

/** Called for every call that ends without success, whether it returns a response or throws. */
export type GiveUpHook = (giveUp: GiveUp, request: HttpRequest) => void;

/** Called for every cookie of a response that the jar refuses, for example because of its domain. */
export type CookieRefusedHook = (cookie: RefusedCookie, request: HttpRequest) => void;

/** Called with every error that ends a call. */
export type ErrorHook = (error: unknown, request: HttpRequest) => void | Promise<void>;

/** The functions that a session calls during a request. Push to a list to add one. An error that a hook throws ends the call. */
export interface Hooks {
  /** Called before each request is sent; may change it. */
  readonly request: RequestHook[];
  /** Called with every response, also those that are retried. */
  readonly response: ResponseHook[];
  /** Called after each attempt, with its record. */
  readonly attempt: AttemptHook[];
  /** Called before each wait for another attempt. */
  readonly retry: RetryHook[];
  /** Called for each call that ends without success. */
  readonly giveUp: GiveUpHook[];
  /** Called for each cookie that the jar refuses. */
  readonly cookieRefused: CookieRefusedHook[];
  /** Called with each error that ends a call. */
  readonly error: ErrorHook[];
}

/** Hooks as options. All lists are optional. */
export type HooksInit = { readonly [Name in keyof Hooks]?: Readonly<Hooks[Name]> };

/** Returns new lists with the hooks of both, those of `first` first. */
export function joinHooks(first: HooksInit = {}, then: HooksInit = {}): Hooks {
  return {
    request: join(first.request, then.request),
    response: join(first.response, then.response),
    attempt: join(first.attempt, then.attempt),
    retry: join(first.retry, then.retry),
    giveUp: join(first.giveUp, then.giveUp),
    cookieRefused: join(first.cookieRefused, then.cookieRefused),
    error: join(first.error, then.error),
  };
}

function join<T>(first: readonly T[] = [], then: readonly T[] = []): T[] {
  return [...first, ...then];
}
