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
import { summaryOf, type AttemptRecord } from "./attempt-record.ts";
import { attemptsAreWatched, tellAttempt, tellGiveUp, tellRetry } from "./channels.ts";
import type { BrokenBody } from "./broken-body.ts";
import { deliver, deliverGuarded, receive, type Company } from "./courier.ts";
import { BodyNotReplayableError } from "./errors.ts";
import { witness } from "./failure.ts";
import { giveUpOf, isGivenUp } from "./give-up.ts";
import type { BodyBreak, BodySequel } from "./live-body.ts";
import type { HttpRequest } from "./request.ts";
import type { Provenance, Response } from "./response.ts";
import { continuing, takeContinuable } from "./resume/buffered.ts";
import { answerOf } from "./resume/continued.ts";
import { bodyGivenOut, cutRecord, type Cut } from "./resume/cut.ts";
import { isLost } from "./resume/streamed.ts";
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
  /** The proxy to go through; undefined goes directly. */
  readonly proxy: string | undefined;
  /** Once aborted, nothing more is waited for. */
  readonly patience: AbortSignal | undefined;
  /** How a body goes on that breaks off after it was given out; undefined where none is given out. */
  readonly live: { goOn(call: Call, first: Response, broke: BodyBreak): Promise<BodySequel> } | undefined;
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

const givenOut: Decision = { again: "no", reason: bodyGivenOut };
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
  /** What has come of a body that broke off inside its attempt. */
  #broken: BrokenBody | undefined;
  /** The attempt whose body broke off after it was given out, while the rules look at it. */
  #cut: Cut | undefined;

  constructor(plan: CallPlan) {
    this.#plan = plan;
    // A key lets the server recognise a second try, whatever the method.
    this.#retry =
      plan.request.idempotencyKey === undefined ? plan.retry : plan.retry.new({ allowedMethods: null });
  }

  /** Sends the request once; every end but the caller's abort is an exchange, for the rules to judge. */
  send(scope: Scope): Promise<Exchange> {
    const { request, guard } = this.#plan;
    if (scope.attempt === 1 && this.#cut !== undefined)
      return Promise.resolve({ call: this, error: this.#cut.error });
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
        return receive(response, request, this.#plan)?.then(() => exchange) ?? exchange;
      },
      (error: unknown) => {
        this.#broken = takeContinuable(error) ?? this.#broken;
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
    return this.#retry.when !== undefined || this.#retry.statusForcelist.has(status);
  }

  /** Again? */
  judge(attempt: Attempt<Exchange>): boolean | Promise<boolean> {
    const { response, error } = exchangeOf(attempt);
    if (isLost(error)) return this.#heed(givenOut, attempt);
    const decision = decide({
      request: this.#plan.request,
      retry: this.#retry,
      response,
      error,
      before: this.#records.map(({ verdict }) => verdict),
      now: this.#clock.date(),
    });
    return decision instanceof Promise
      ? decision.then((made) => this.#heed(made, attempt))
      : this.#heed(decision, attempt);
  }

  /** How long? The server's wish is a minimum: chance may only add to it. */
  delay(attempt: Attempt<Exchange>, random: () => number): number {
    if (this.#decision.again !== "yes") return 0;
    const { minimum, retry: left } = this.#decision;
    if (minimum > 0) return minimum + spread(minimum, left) * random();
    return left.getBackoffTime(random, { ...attempt, number: this.#nextNumber });
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
    this.#broken = undefined;
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

  /**
   * Goes on for the rest of a body that broke off after it was given out, as the rules allow; gives the error with the
   * story of the call where there is no going on.
   */
  async bodyBroke(first: Response, broke: BodyBreak): Promise<BodySequel> {
    const { error } = broke;
    const record = this.attempts.at(-1);
    if (!(error instanceof HoldfastError) || record === undefined) return this.#fail(error);
    this.#records.pop();
    this.#cut = { error, startedAt: record.startedAt };
    const sequel = (await this.#plan.live?.goOn(this, first, broke)) ?? { error };
    return "source" in sequel ? sequel : this.#fail(sequel.error);
  }

  async #fail(error: unknown): Promise<BodySequel> {
    this.#endedAt = this.#clock.now();
    if (this.#cut !== undefined) {
      const elapsed = this.#dateOf(this.#endedAt) - this.#cut.startedAt;
      this.#records.push(cutRecord(this.#cut, { number: this.#nextNumber, elapsed }));
      this.#cut = undefined;
    }
    if (!(error instanceof HoldfastError)) return { error: await this.#tell(error) };
    this.#tellEnd();
    return { error: await this.#tell(witness(error, { ...this.#story(), verdict: errorVerdict(error) })) };
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
    const { request, timeouts, maxBytes, proxy, live } = this.#plan;
    const company =
      this.#broken === undefined || live !== undefined
        ? this.#plan
        : { ...this.#plan, adapter: continuing(this.#plan.adapter, this.#broken) };
    return deliver(request, company, { timeouts, deadline, maxBytes, signal, proxy });
  }

  /** The number of the attempt that is not noted yet. */
  get #nextNumber(): number {
    return this.#records.length + 1;
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
    const cut = this.#cut;
    this.#cut = undefined;
    const { startedAt, endedAt } = attempt;
    const record: AttemptRecord = {
      number: this.#nextNumber,
      startedAt: cut?.startedAt ?? this.#dateOf(startedAt),
      elapsed: cut === undefined ? endedAt - startedAt : this.#dateOf(endedAt) - cut.startedAt,
      ...(response === undefined ? { error: summaryOf(error) } : answerOf(response)),
      verdict: response?.verdict ?? errorVerdict(error),
      ...ending,
    };
    this.#records.push(record);
    // Of an attempt whose body broke off later, it was told when its head came.
    if (cut === undefined) tellAttempt(this.#plan, record);
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
