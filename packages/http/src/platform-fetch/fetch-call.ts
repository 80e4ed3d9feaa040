import { DeadlineExceededError, RetryError, type Attempt, type Clock, type Scope } from "@holdfast/policy";
import { startTimer } from "@holdfast/policy/internal";
import { attemptResult, dropResponse, type AttemptResult, type CallRules } from "../call/attempt.ts";
import { AttemptTimeoutError } from "../errors/transport-errors.ts";
import { isContentType } from "../model/headers.ts";
import { errorMeaning, statusMeaning, type Meaning } from "../model/meaning.ts";
import type { JudgedResponse } from "../retry/judge.ts";
import type { Retry } from "../retry/retry.ts";
import { decideByRules, waitBefore, type RetryDecision, type RuleFacts } from "../retry/rules.ts";
import { describeError } from "./describe-error.ts";
import type { PreparedFetch } from "./prepare-request.ts";
import { readBeginning } from "./read-beginning.ts";

/** Asks for another attempt, beyond the rules of `retry`. `response` is a copy. */
export type FetchCondition = (attempt: {
  readonly response?: Response;
  readonly error?: unknown;
}) => boolean | Promise<boolean>;

/** A retry that is about to be waited for. */
export interface FetchRetry {
  readonly method: string;
  /** As it was requested: it may have secrets in its query. */
  readonly url: string;
  /** The number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Milliseconds until the next attempt. */
  readonly delay: number;
  /** Where the delay comes from: `"back-off"`, `"retry-after"`, or another hint of the server. */
  readonly source: string;
  /** The status of the response that is retried. Absent without a response. */
  readonly status?: number;
  /** Why there was no response. */
  readonly error?: unknown;
}

/** The settings of a call. Limits are milliseconds. */
export interface FetchCallSettings {
  readonly platformFetch: typeof globalThis.fetch;
  readonly retry: Retry;
  readonly total: number;
  readonly attempt: number;
  readonly when: FetchCondition | undefined;
  readonly onRetry: ((retry: FetchRetry) => void) | undefined;
  readonly clock: Clock;
}

type Result = AttemptResult<JudgedResponse>;

/** One call of `fetch`: sends its attempts through the platform's fetch, and answers the questions of the retry loop. */
export class FetchCall implements CallRules<JudgedResponse> {
  readonly #prepared: PreparedFetch;
  readonly #settings: FetchCallSettings;
  readonly #verdicts: Meaning[] = [];
  readonly #total: AbortSignal | undefined;
  /** The instant of the clock at which the call must end. */
  readonly deadline: number;
  #retry: Retry;
  #decision: RetryDecision = { again: "no", reason: "success" };
  /** The platform's response of the latest attempt. */
  #response: Response | undefined;

  constructor(prepared: PreparedFetch, settings: FetchCallSettings) {
    this.#prepared = prepared;
    this.#settings = settings;
    const { total, clock, retry } = settings;
    this.deadline = clock.now() + total;
    // This signal also ends the body: its end is not known here. A timer would keep the process alive until then.
    // oxlint-disable-next-line no-restricted-properties -- keeps no process alive
    this.#total = total === Infinity ? undefined : AbortSignal.timeout(total);
    // With a key, the server recognises a repeated request, whatever the method.
    this.#retry = prepared.request.idempotencyKey === undefined ? retry : retry.new({ allowedMethods: null });
  }

  async send({ signal }: Scope): Promise<Result> {
    const { platformFetch, clock, attempt: limit } = this.#settings;
    const attempt = limit === Infinity ? undefined : new AbortController();
    const stopTimer = startTimer(clock, limit, () => attempt?.abort());
    this.#response = undefined;
    try {
      const response = await this.#prepared.send(platformFetch, anyOf(signal, this.#total, attempt?.signal));
      this.#response = response;
      return { call: this, response: await this.#judge(response) };
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      return { call: this, error: this.#toError(error, attempt?.signal) };
    } finally {
      stopTimer();
    }
  }

  #toError(error: unknown, attempt: AbortSignal | undefined): unknown {
    const { total, attempt: limit } = this.#settings;
    if (this.#total?.aborted === true) return new DeadlineExceededError(total, { cause: error });
    if (attempt?.aborted === true) {
      const { origin } = this.#prepared.request.url;
      return new AttemptTimeoutError(origin, limit, { phase: "headers", mayHaveArrived: true, cause: error });
    }
    return describeError(error);
  }

  async #judge(response: Response): Promise<JudgedResponse> {
    const { status, headers } = response;
    const mayExplain = status >= 400 && isContentType(headers.get("content-type"), /\b(?:json|xml)\b/i);
    const content = mayExplain ? await readBeginning(response, this.#settings.clock) : undefined;
    const hasKey = this.#prepared.request.idempotencyKey !== undefined;
    return {
      status,
      headers,
      verdict: statusMeaning(status, headers.has("retry-after"), hasKey),
      names: () => headers.keys(),
      preview: () => content,
    };
  }

  needsJudgement({ status }: JudgedResponse): boolean {
    return this.#settings.when !== undefined || this.#retry.statusForcelist.has(status);
  }

  shouldRetry(attempt: Attempt<Result>): boolean | Promise<boolean> {
    const { response, error } = attemptResult(attempt);
    const facts: RuleFacts = {
      request: this.#prepared.request,
      retry: this.#retry,
      response,
      error,
      previousVerdicts: this.#verdicts,
      now: this.#settings.clock.date(),
    };
    const requested = this.#askCondition(error);
    return typeof requested === "boolean"
      ? this.#apply(decideByRules(facts, requested))
      : requested.then((byCondition) => this.#apply(decideByRules(facts, byCondition)));
  }

  #askCondition(error: unknown): boolean | Promise<boolean> {
    const { when } = this.#settings;
    if (when === undefined) return false;
    return when(
      this.#response === undefined
        ? { error: thrownByPlatform(error) }
        : { response: this.#response.clone() },
    );
  }

  #apply(decision: RetryDecision): boolean {
    this.#decision = decision;
    return decision.again !== "no";
  }

  retryDelay(attempt: Attempt<Result>, random: () => number): number {
    return this.#decision.again === "yes" ? waitBefore(this.#decision, attempt, random).delay : 0;
  }

  get isExhausted(): boolean {
    return this.#decision.again === "exhausted";
  }

  beforeRetry(attempt: Attempt<Result>, delay: number): void {
    if (this.#decision.again !== "yes") return;
    const result = attemptResult(attempt);
    const { response, error } = result;
    this.#retry = this.#decision.retry;
    this.#verdicts.push(response?.verdict ?? errorMeaning(error));
    // The connection is free for the next attempt.
    this.#response?.body?.cancel().catch(() => undefined);
    const { method, url } = this.#prepared.request;
    this.#settings.onRetry?.({
      method,
      url: url.href,
      attempt: attempt.number,
      delay,
      source: this.#decision.source,
      ...(response === undefined ? { error: thrownByPlatform(error) } : { status: response.status }),
    });
    dropResponse(result);
  }

  giveUp(attempt: Attempt<Result>): Result {
    return attemptResult(attempt);
  }

  clockFor(clock: Clock): Clock {
    return clock;
  }

  drained(): undefined {
    return undefined;
  }

  /**
   * Returns the platform's response of the last attempt.
   *
   * @throws the error of the last attempt, as the platform threw it; RetryError for a status, if `raiseOnStatus` is set.
   */
  settle({ response, error }: Result): Response {
    if (response === undefined || this.#response === undefined) throw thrownByPlatform(error);
    if (
      this.#retry.raiseOnStatus &&
      this.#decision.again === "exhausted" &&
      this.#decision.cause instanceof RetryError
    )
      throw this.#decision.cause;
    return this.#response;
  }
}

/** Returns the error of the platform behind our description of it. */
function thrownByPlatform(error: unknown): unknown {
  return error instanceof Error && "errno" in error && error.cause !== undefined ? error.cause : error;
}

function anyOf(...signals: readonly (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  return given.length < 2 ? given[0] : AbortSignal.any(given);
}
