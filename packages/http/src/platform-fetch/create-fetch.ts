import { retryBudget, systemClock, systemRandom, type Duration, type RetryBudget } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { RetryLoop } from "../call/retry-loop.ts";
import { budgetDefaults } from "../retry/budget-defaults.ts";
import type { JudgedResponse } from "../retry/judge.ts";
import { resolveRetry, retrySettingCheck, type RetrySetting } from "../retry/setting.ts";
import { Retry } from "../retry/retry.ts";
import {
  aFunction,
  kind,
  objectWithMethods,
  options,
  refuse,
  timeLimit,
  type Check,
} from "../support/validate.ts";
import { FetchCall, type FetchCondition, type FetchRetry } from "./fetch-call.ts";
import { prepareRequest } from "./prepare-request.ts";

/** The limits of a call, each more than 0. */
export interface FetchTimeouts {
  /** The whole call: attempts and waits, and the body of the response. @default Infinity */
  readonly total?: Duration;
  /** One attempt, from its start to the head of the response. @default Infinity */
  readonly attempt?: Duration;
}

/** Options of `createFetch`. */
export interface FetchOptions {
  /** The fetch to send with. @default the platform's own, read at each call */
  readonly fetch?: typeof globalThis.fetch;
  /** As in a session: a number of retries, `false`, options, or a `Retry`. @default new Retry() */
  readonly retry?: RetrySetting;
  /** The limits of a call, or that of the whole call. */
  readonly timeout?: Duration | FetchTimeouts;
  /** `"auto"` adds an Idempotency-Key to each POST and PATCH without one, so that they can be repeated. @default undefined */
  readonly idempotencyKey?: "auto";
  /** Limits the retries of all calls together. @default one for two calls, and 100 a second */
  readonly budget?: RetryBudget;
  /** Asks for another attempt, for example because of the body: `async ({ response }) => (await response?.text()) === ""`. */
  readonly when?: FetchCondition;
  /** Called before the wait for each further attempt. */
  readonly onRetry?: (retry: FetchRetry) => void;
}

const anyTimeout = options<FetchTimeouts>({ total: timeLimit, attempt: timeLimit });

const noCondition: Check = kind({
  wanted: "no `when`, which gets a response of a session: use `when` of createFetch",
  fits: (value) =>
    typeof value !== "object" || value === null || !("when" in value) || value.when === undefined,
});

const retryCheckWithoutCondition: Check = (value) => retrySettingCheck(value) ?? noCondition(value);

const optionsCheck: Check = options<FetchOptions>({
  fetch: aFunction,
  retry: retryCheckWithoutCondition,
  timeout: (value) => (typeof value === "object" ? anyTimeout(value) : timeLimit(value)),
  idempotencyKey: kind({ wanted: '"auto"', fits: (value) => value === "auto" }),
  budget: objectWithMethods("a budget, such as retryBudget()", ["deposit", "withdraw"]),
  when: aFunction,
  onRetry: aFunction,
});

/**
 * Returns a `fetch` that retries as a session does, on top of the platform's own. It needs no Node, and keeps everything of the
 * platform: the response, redirects, cookies, caches, and the options of `init`.
 *
 * - A request with a body that can be read only once is not repeated, nor is a POST that may have arrived, unless it has an
 *   `Idempotency-Key`.
 * - The last response is returned as it is, whatever its status. The last error is thrown as the platform threw it.
 *
 * @throws TypeError or RangeError for an unknown option or an invalid value.
 */
export function createFetch(given: FetchOptions = {}): typeof globalThis.fetch {
  refuse("createFetch", optionsCheck(given));
  const { timeout } = given;
  const timeouts: FetchTimeouts = typeof timeout === "object" ? timeout : { total: timeout ?? Infinity };
  const settings = {
    platformFetch: given.fetch,
    retry: resolveRetry(given.retry, Retry.default),
    total: toMs(timeouts.total ?? Infinity),
    attempt: toMs(timeouts.attempt ?? Infinity),
    idempotencyKey: given.idempotencyKey,
    when: given.when,
    onRetry: given.onRetry,
    clock: systemClock,
  };
  const budget = given.budget ?? retryBudget({ ...budgetDefaults, clock: systemClock });
  const loop = new RetryLoop<JudgedResponse>({ budget, random: systemRandom });
  return async function fetch(input, init = {}) {
    const platformFetch = settings.platformFetch ?? globalThis.fetch;
    const prepared = prepareRequest(input, init, settings.idempotencyKey);
    if (prepared === undefined) return platformFetch(input, init);
    const call = new FetchCall(prepared, { ...settings, platformFetch });
    const { signal } = prepared;
    const context = { clock: systemClock, signal, deadline: call.deadline, drain: undefined };
    return call.settle(await loop.run(call, context));
  };
}
