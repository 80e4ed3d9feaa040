import type { Scope } from "@holdfast/policy";
import type { AttemptObserver, DiscardedExchange } from "../adapter/adapter.ts";
import type { DiscardedResponse } from "../model/attempt-record.ts";
import type { PartialBody } from "../model/partial-body.ts";
import type { CallPlan } from "./context.ts";
import { AttemptLog } from "./attempt-log.ts";
import { sendAttempt, sendThroughPolicy } from "./send-attempt.ts";
import type { Limiter } from "../pacing/limiter.ts";
import type { Limiters, LimitedRequest } from "../pacing/limiters.ts";
import { sendThroughPool, type PooledAttempt } from "./send-through-pool.ts";
import { formatProxyForLog } from "../proxy/route/route.ts";
import type { HttpResponse } from "../model/response.ts";
import { resumingAdapter } from "../resume/buffered.ts";
import { bucketNames, readLimitSignal, hasRemainingHeader } from "../pacing/limit-signal.ts";
import type { Retry } from "../retry/retry.ts";
import type { ResponseHead } from "../model/trace.ts";

const noGates: readonly Limiter[] = [];

/** How the attempts of a call go out: each in its turn, through the proxy of its time, and for no more than is missing. */
export abstract class Sending extends AttemptLog implements LimitedRequest, AttemptObserver {
  protected readonly plan: CallPlan;
  protected left: Retry;
  /** What has come of a body that broke off inside its attempt. */
  protected broken: PartialBody | undefined;
  /** How the latest attempt went through a pool. */
  protected passage: PooledAttempt | undefined;
  #passed = noGates;

  constructor(plan: CallPlan) {
    super(plan);
    this.plan = plan;
    // A key lets the server recognise a second try, whatever the method.
    this.left =
      plan.request.idempotencyKey === undefined ? plan.retry : plan.retry.new({ allowedMethods: null });
  }

  get proxy(): string | undefined {
    const { proxy } = this.plan;
    return typeof proxy === "string" ? proxy : undefined;
  }

  /** What is left of the retries. */
  get retry(): Retry {
    return this.left;
  }

  abstract continuesWithoutBody(head: ResponseHead): boolean;

  abstract discard(discarded: DiscardedResponse, seen?: DiscardedExchange): Promise<void> | void;

  /** The proxy of the latest attempt, as its record tells of it. */
  protected get via(): string | undefined {
    const { proxy } = this.plan;
    return typeof proxy === "string" ? formatProxyForLog(proxy) : this.passage?.lease.label;
  }

  /** Sends the request once, when its turn has come. */
  protected sendInTurn(scope: Scope): Promise<HttpResponse> {
    const { limiters: gates } = this.plan;
    return gates === undefined || gates.isEmpty ? this.#sendOnce(scope) : this.#sendThrough(gates, scope);
  }

  /** Tells the gates that the attempt is over; not before they have heard what it brought. */
  protected comeBack(): void {
    for (const gate of this.#passed) gate.release();
    this.#passed = noGates;
  }

  protected wasAccepted(response: HttpResponse): void {
    this.plan.limiters?.recordAccepted(this, this.leftAt, this.endedAt);
    if (!hasRemainingHeader(response)) return;
    this.plan.limiters?.recordBuckets(this, bucketNames(response));
    this.hear(response);
  }

  /** Lets whoever asks next profit from what an answer says of a limit; `delay` is the wait that follows in any case. */
  protected hear(response: HttpResponse | undefined, delay = 0): void {
    const { limiters: gates } = this.plan;
    if (gates === undefined || response === undefined) return;
    const word = readLimitSignal(response, this.left, this.clock.date());
    if (word === undefined) return;
    const { request, proxy } = this;
    gates.recordLimit({ ...word, request, proxy, leftAt: this.leftAt, delay });
  }

  #sendOnce(scope: Scope): Promise<HttpResponse> {
    const { request, policy: guard } = this.plan;
    return guard === undefined
      ? this.#deliver(scope)
      : sendThroughPolicy(guard, { request, scope }, (inner) => this.#deliver(inner));
  }

  async #sendThrough(gates: Limiters, scope: Scope): Promise<HttpResponse> {
    const { onLongRetryAfter: over, retryAfterMax } = this.left;
    const longestPause = over === "wait" ? Infinity : retryAfterMax;
    const { deadline, signal } = scope;
    const signals = [signal, this.plan.drain];
    this.#passed = await gates.acquire(this, { deadline, longestPause, signals });
    this.leftAt = this.clock.now();
    return this.#sendOnce(scope);
  }

  #deliver({ signal, deadline }: Scope): Promise<HttpResponse> {
    const { request, timeouts, maxBytes, proxy, live } = this.plan;
    const company =
      this.broken === undefined || live !== undefined
        ? this.plan
        : { ...this.plan, adapter: resumingAdapter(this.plan.adapter, this.broken) };
    if (typeof proxy !== "object") {
      this.wasSent = true;
      return sendAttempt(request, company, { timeouts, deadline, maxBytes, signal, proxy, observer: this });
    }
    const options = { timeouts, deadline, maxBytes, signal, observer: this };
    this.passage = undefined;
    const [retry, clock] = [this.left, this.clock];
    return sendThroughPool({ route: proxy, request, company, options, retry, clock }, (passage) => {
      this.wasSent = true;
      this.passage = passage;
    });
  }
}
