import {
  HoldfastError,
  retry,
  RetryError,
  systemClock,
  type Attempt,
  type Clock,
  type GiveUpReason,
  type RetryBudget,
  type RetryPolicy,
  type Scope,
} from "@holdfast/policy";
import type { SendOptions } from "./adapter.ts";
import { summaryOf, type AttemptRecord } from "./attempt-record.ts";
import { attemptsAreWatched, tellAttempt, tellGiveUp, tellRetry } from "./channels.ts";
import { deliver, deliverGuarded, receive, type Company } from "./courier.ts";
import { BodyNotReplayableError } from "./errors.ts";
import { witness } from "./failure.ts";
import { giveUpOf, isGivenUp } from "./give-up.ts";
import { deliverPooled, type Passage } from "./pooled.ts";
import { outcomeOfError } from "./proxy/outcome.ts";
import { type PoolRoute, type Route, shownProxy } from "./proxy/route.ts";
import type { HttpRequest } from "./request.ts";
import type { Provenance, Response } from "./response.ts";
import { decide, type Decision } from "./retry/decide.ts";
import type { Retry } from "./retry/retry.ts";
import { errorVerdict } from "./retry/verdict.ts";
import type { Timeouts } from "./timeouts.ts";

/** What a call is made with: the request, who sees to it, and how long it may take. */
export interface CallPlan extends Company {
  readonly request: HttpRequest;
  readonly retry: Retry;
  readonly timeouts: Timeouts;
  readonly maxBytes: number;
  /** The proxy to go through, or the pool to lease one from for each attempt; undefined goes directly. */
  readonly proxy: Route;
  /** Once aborted, nothing more is waited for. */
  readonly patience: AbortSignal | undefined;
}

/** One attempt as the loop sees it: what came back, and the call it belongs to. */
export interface Exchange {
  readonly call: Call;
  readonly response?: Response;
  readonly error?: unknown;
}

/** Makes the policy that all calls of a session go through: the one loop, asked HTTP's three questions. */
export function callPolicy(budget: RetryBudget): RetryPolicy<Exchange> {
  return retry<Exchange>({
    when: Object.assign((attempt: Attempt<Exchange>) => exchangeOf(attempt).call.judge(attempt), { accepts }),
    wait: (attempt, random) => exchangeOf(attempt).call.delay(attempt, random),
    stop: (attempt) => exchangeOf(attempt).call.exhausted,
    beforeSleep: (attempt, delay) => exchangeOf(attempt).call.goOn(attempt, delay),
    retryErrorCallback: (attempt, reason) => exchangeOf(attempt).call.giveUp(attempt, reason),
    budget,
    name: "session",
  });
}

// The fast path: a good answer needs no judgement, unless the caller's own rules have a say.
function accepts({ call, response }: Exchange): boolean {
  return response !== undefined && response.status < 400 && !call.asks(response);
}

function exchangeOf(attempt: Attempt<Exchange>): Exchange {
  if (attempt.outcome.ok) return attempt.outcome.value;
  throw attempt.outcome.error;
}

const success: Decision = { again: "no", reason: "success" };

/** One call of a session: all that its attempts share. */
export class Call implements Provenance {
  readonly #plan: CallPlan;
  readonly #records: AttemptRecord[] = [];
  #retry: Retry;
  #decision: Decision = success;
  #retryAt: number | undefined;
  #clock: Clock = systemClock;
  #startedAt = 0;
  #startDate: number | undefined;
  #endedAt = 0;
  #last: Response | undefined;
  /** What the call is waiting to repeat. */
  #waitsAfter: Exchange | undefined;
  /** How the latest attempt went through a pool. */
  #passage: Passage | undefined;

  constructor(plan: CallPlan) {
    this.#plan = plan;
    // A key lets the server recognise a second try, whatever the method.
    this.#retry =
      plan.request.idempotencyKey === undefined ? plan.retry : plan.retry.new({ allowedMethods: null });
  }

  /** Sends the request once; every end but the caller's abort is an exchange, for the rules to judge. */
  send(scope: Scope): Promise<Exchange> {
    const { request, guard } = this.#plan;
    if (scope.attempt === 1) {
      this.#clock = scope.clock;
      this.#startedAt = scope.clock.now();
    }
    const sent =
      guard === undefined
        ? this.#deliver(scope)
        : deliverGuarded(guard, { request, scope }, (inner) => this.#deliver(inner));
    return sent.then(
      (response) => {
        const exchange = { call: this, response };
        return (
          receive(response, request, this.#passage?.company ?? this.#plan)?.then(() => exchange) ?? exchange
        );
      },
      (error: unknown) => {
        if (scope.signal?.aborted === true) throw scope.signal.reason;
        // A wrong argument is a mistake of the caller's, not an attempt.
        if (!(error instanceof HoldfastError)) throw error;
        return { call: this, error };
      },
    );
  }

  /** What is left of the retries. */
  get retry(): Retry {
    return this.#retry;
  }

  /** Takes note that the server wants to be asked again at this instant, and not before. */
  askAgainAt(retryAt: number): void {
    this.#retryAt = retryAt;
  }

  /** Whether the caller's own rules have a say on an answer that would otherwise be a success. */
  asks({ status }: Response): boolean {
    const { when, statusForcelist } = this.#retry;
    return when !== undefined || statusForcelist.has(status) || this.#passage?.lease.blamed === true;
  }

  /** Again? */
  judge(attempt: Attempt<Exchange>): boolean | Promise<boolean> {
    const { response, error } = exchangeOf(attempt);
    const decision = decide({
      request: this.#plan.request,
      retry: this.#retry,
      response,
      error,
      before: this.#records.map(({ verdict }) => verdict),
      now: this.#clock.date(),
      proxy: this.#passage?.lease.prospect(),
    });
    return decision instanceof Promise
      ? decision.then((made) => this.#heed(made, attempt))
      : this.#heed(decision, attempt);
  }

  /** How long? The server's wish is a minimum: chance may only add to it. Another address is asked at once. */
  delay(attempt: Attempt<Exchange>, random: () => number): number {
    if (this.#decision.again !== "yes") return 0;
    const { minimum, source, retry: left } = this.#decision;
    const asked = minimum > 0 ? minimum + spread(minimum, left) * random() : 0;
    return source === "back-off" ? Math.max(asked, left.getBackoffTime(random, attempt)) : asked;
  }

  /** Stop? */
  get exhausted(): boolean {
    return this.#decision.again === "exhausted" || this.#plan.patience?.aborted === true;
  }

  /** Gives back the last exchange of a call whose wait was ended, because the caller waits for nothing more. */
  cutShort(): Exchange | undefined {
    const record = this.#records.pop();
    if (record !== undefined) this.#records.push({ ...record, decision: "given-up: patience" });
    if (this.#decision.again === "yes" && this.#decision.minimum > 0 && record?.delay !== undefined) {
      this.#retryAt = record.startedAt + record.elapsed + record.delay;
    }
    return this.#waitsAfter;
  }

  /** Takes note that another attempt will be made. */
  async goOn(attempt: Attempt<Exchange>, delay: number): Promise<void> {
    if (this.#decision.again !== "yes") return;
    this.#retry = this.#decision.retry;
    this.#waitsAfter = exchangeOf(attempt);
    void exchangeOf(attempt).response?.discard();
    const record = this.#note(attempt, { decision: "retried", delay, delaySource: this.#decision.source });
    await tellRetry(this.#plan, record);
  }

  /** Takes note that no other attempt will be made, and gives back what there is. */
  giveUp(attempt: Attempt<Exchange>, reason: GiveUpReason): Exchange {
    const decision = this.#decision;
    if (decision.again === "exhausted") this.#retryAt = decision.retryAt;
    if (decision.again === "yes" && decision.minimum > 0)
      this.#retryAt = this.#clock.date() + decision.minimum;
    this.#note(attempt, {
      decision: decision.again === "exhausted" ? decision.reason : `given-up: ${reason}`,
    });
    return exchangeOf(attempt);
  }

  /**
   * What the caller gets of the last exchange.
   *
   * @throws its error, with the story of the call; RetryError for a status that outlived its retries, where `raiseOnStatus` asks for it.
   */
  finish(exchange: Exchange): Response {
    const { response, error } = exchange;
    this.#endedAt = this.#clock.now();
    this.#last = response;
    this.#tellEnd();
    if (response === undefined) {
      const final = this.#bodyIsGone ? new BodyNotReplayableError({ cause: error }) : error;
      throw witness(final, { ...this.#story(), verdict: errorVerdict(error) });
    }
    const refused = this.#decision.again === "exhausted" ? this.#decision.cause : undefined;
    if (refused instanceof RetryError && this.#retry.raiseOnStatus) {
      throw witness(refused, { ...this.#story(), verdict: response.verdict, response });
    }
    return response.broughtBy(this);
  }

  /** Takes note that the body of the answer, given out already, broke off, and gives the error with the story of the call. */
  async bodyFailed(error: unknown): Promise<unknown> {
    if (!(error instanceof HoldfastError)) return this.#tell(error);
    this.#endedAt = this.#clock.now();
    const last = this.attempts.at(-1);
    const verdict = errorVerdict(error);
    this.#passage?.lease.broke(outcomeOfError(error));
    if (last !== undefined) {
      const { number, startedAt } = last;
      const elapsed = this.#dateOf(this.#endedAt) - startedAt;
      this.#records[this.#records.length - 1] = {
        number,
        startedAt,
        elapsed,
        ...this.#via,
        error: summaryOf(error),
        verdict,
        decision: "not-retried: body-given-out",
      };
    }
    this.#tellEnd();
    return this.#tell(witness(error, { ...this.#story(), verdict }));
  }

  #tellEnd(): void {
    // Hot path: an answer that was accepted unasked has no record yet, and gets none that nobody reads.
    if (this.#records.length === 0 && !attemptsAreWatched(this.#plan)) return;
    const unasked = this.#records.length === 0;
    const last = this.attempts.at(-1);
    if (last === undefined) return;
    if (unasked) tellAttempt(this.#plan, last);
    else if (isGivenUp(last)) tellGiveUp(this.#plan, () => giveUpOf(last, this));
  }

  async #tell(error: unknown): Promise<unknown> {
    for (const hook of this.#plan.hooks.error) await hook(error, this.#plan.request);
    return error;
  }

  /** Every attempt, in order. */
  get attempts(): readonly AttemptRecord[] {
    if (this.#records.length === 0 && this.#last !== undefined) this.#records.push(this.#first(this.#last));
    return this.#records;
  }

  /** The whole call, waits included, in milliseconds. */
  get elapsed(): number {
    return this.#endedAt - this.#startedAt;
  }

  /** When the server wants to be asked again, in milliseconds since 1970, where that is later than the call would wait. */
  get retryAt(): number | undefined {
    return this.#retryAt;
  }

  #story(): Provenance {
    return { attempts: this.attempts, elapsed: this.elapsed, retryAt: this.#retryAt };
  }

  #deliver({ signal, deadline }: Scope): Promise<Response> {
    const { request, timeouts, maxBytes, proxy } = this.#plan;
    if (typeof proxy === "object")
      return this.#deliverPooled(proxy, { timeouts, deadline, maxBytes, signal });
    return deliver(request, this.#plan, { timeouts, deadline, maxBytes, signal, proxy });
  }

  #deliverPooled(route: PoolRoute, options: SendOptions): Promise<Response> {
    this.#passage = undefined;
    const { request } = this.#plan;
    const [retry, company, clock] = [this.#retry, this.#plan, this.#clock];
    return deliverPooled({ route, request, company, options, retry, clock }, (passage) => {
      this.#passage = passage;
    });
  }

  /** The proxy of the latest attempt, as its record tells of it. */
  get #via(): Pick<AttemptRecord, "proxy"> | undefined {
    const { proxy } = this.#plan;
    if (typeof proxy === "string") return { proxy: shownProxy(proxy) };
    return this.#passage && { proxy: this.#passage.lease.label };
  }

  get #bodyIsGone(): boolean {
    return this.#decision.again === "no" && this.#decision.reason.endsWith("body-not-replayable");
  }

  #heed(decision: Decision, attempt: Attempt<Exchange>): boolean {
    this.#decision = decision;
    if (decision.again !== "no") return true;
    this.#note(attempt, { decision: decision.reason });
    return false;
  }

  #note(
    attempt: Attempt<Exchange>,
    ending: Pick<AttemptRecord, "decision" | "delay" | "delaySource">,
  ): AttemptRecord {
    const { response, error } = exchangeOf(attempt);
    const { number, startedAt, endedAt } = attempt;
    const record: AttemptRecord = {
      number,
      startedAt: this.#dateOf(startedAt),
      elapsed: endedAt - startedAt,
      ...this.#via,
      ...(response === undefined ? { error: summaryOf(error) } : { status: response.status }),
      verdict: response?.verdict ?? errorVerdict(error),
      ...ending,
    };
    this.#records.push(record);
    tellAttempt(this.#plan, record);
    return record;
  }

  /** When an instant of the clock was: the calendar is looked at once, when somebody asks. */
  #dateOf(instant: number): number {
    this.#startDate ??= this.#clock.date() - (this.#clock.now() - this.#startedAt);
    return this.#startDate + instant - this.#startedAt;
  }

  /** The record of an answer that was accepted unasked. */
  #first({ status, verdict }: Response): AttemptRecord {
    return {
      number: 1,
      startedAt: this.#dateOf(this.#startedAt),
      elapsed: this.elapsed,
      ...this.#via,
      status,
      verdict,
      decision: "success",
    };
  }
}

/** How much chance may add to a server's wish, in milliseconds: a tenth of it, a second at most, nothing where no chance is wanted. */
function spread(minimum: number, { wait, backoffJitter }: Retry): number {
  return wait === undefined && backoffJitter === 0 ? 0 : Math.min(minimum / 10, 1_000);
}
