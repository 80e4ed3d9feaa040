import { checkOptions, type OptionTypes } from "../support/check-options.ts";
import type { Clock } from "../clock/clock.ts";
import { enterScope, type Context, type Scope } from "../core/context.ts";
import { formatMs, toMs, type Duration } from "../clock/duration.ts";
import { CircuitOpenError } from "../core/errors.ts";
import { emitEvent, type Listener, type PolicyEvent } from "../core/events.ts";
import { isCausedByCaller, type Classifier } from "../core/classifier.ts";
import { strategyName } from "../support/strategy-name.ts";
import { captureOutcome, unwrap, type Outcome } from "../core/outcome.ts";
import type { Explanation, Policy, Task } from "../core/policy.ts";
import type { Wait } from "../retry/wait.ts";
import { createBreakFactory } from "./break.ts";
import { parseSnapshot, restoreState, toSnapshot, type BreakerSnapshot } from "./snapshot.ts";
import {
  admits,
  closedState,
  nextState,
  type BreakerInput,
  type BreakerRule,
  type BreakerState,
} from "./state.ts";
import { timeWindow, type FailureTally } from "./failure-tally.ts";

/** The meaning of an outcome for a circuit breaker. `ignored` neither opens nor closes the circuit. */
export type BreakerClassification = "success" | "failure" | "ignored";

/** The options of `breaker`. */
export interface BreakerOptions<in R = unknown> {
  /** Decides when a closed circuit opens. @default timeWindow(): half of at least 20 calls within 30 s failed */
  readonly opensWhen?: FailureTally;
  /**
   * How long the circuit stays open before it runs probes: a fixed time, or a wait strategy of `retry`. The strategy's
   * attempt number is how often the circuit opened in a row. @default "10s"
   */
  readonly breakDuration?: Duration | Wait;
  /** How many calls a half-open circuit runs. The circuit closes when all of them succeed. @default 1 */
  readonly probes?: number;
  /** Classifies an outcome. @default an error is a failure, but an abort by the caller and a RejectedError are ignored */
  readonly classify?: Classifier<R, BreakerClassification>;
  /** State to start with: the result of `toJSON`, for example from another process. @default closed */
  readonly state?: BreakerSnapshot;
  /** Receives every event. */
  readonly on?: Listener;
  /** Name of the policy in events and explanations. @default "breaker" */
  readonly name?: string;
}

/** Keeps a circuit open until `release` is called. A second call does nothing. */
export interface Isolation extends Disposable {
  release(): void;
}

/** The state of a circuit. */
export type CircuitState = "closed" | "open" | "half-open" | "isolated";

/** A circuit breaker. Share one instance between all callers of the same service. */
export interface Breaker<in R = unknown> extends Policy<R> {
  /** The current state of the circuit. */
  readonly state: CircuitState;
  /** Rejects all calls until every handle that `isolate` returned is released. Then the circuit is closed. */
  isolate(): Isolation;
  /** Returns the state of the circuit as plain data, for the option `state`. */
  toJSON(): BreakerSnapshot;
}

const optionTypes = {
  opensWhen: "object",
  breakDuration: "any",
  probes: "number",
  classify: "function",
  state: "object",
  on: "function",
  name: "string",
} satisfies OptionTypes<BreakerOptions>;

/** The defaults of `breaker`. */
export const breakerDefaults: Required<Omit<BreakerOptions, "state" | "on">> = {
  opensWhen: /* @__PURE__ */ timeWindow(),
  breakDuration: "10s",
  probes: 1,
  classify: (outcome, scope) =>
    outcome.ok ? "success" : isCausedByCaller(outcome.error, scope) ? "ignored" : "failure",
  name: "breaker",
};

/**
 * Creates a circuit breaker: it stops calling a service that keeps failing, and tests it with a few probes after a break
 * (M. Nygard, Release It!). While the circuit is open, calls reject with a CircuitOpenError. An outcome counts only in
 * the state in which its call started. Probes that do not end within another break are replaced by new ones.
 *
 * @throws RangeError for `probes` below 1, TypeError for an invalid `state`.
 */
export function breaker<R = unknown>(options: BreakerOptions<R> = {}): Breaker<R> {
  return new CircuitBreaker(options);
}

class CircuitBreaker<R> implements Breaker<R> {
  readonly #options: BreakerOptions<R>;
  readonly #rule: BreakerRule;
  readonly #wait: Wait | number;
  readonly #name: string;
  readonly #classify: Classifier<R, BreakerClassification>;
  readonly #snapshot: BreakerSnapshot;
  // Undefined until the first call: restoring a snapshot needs a clock, and only a call has one.
  #state: BreakerState | undefined;

  constructor(options: BreakerOptions<R>) {
    checkOptions("breaker", options, optionTypes);
    const { opensWhen, breakDuration, probes, classify, name } = { ...breakerDefaults, ...options };
    if (!(probes >= 1)) throw new RangeError(`breaker needs probes of 1 or more, got ${probes}`);
    this.#options = options;
    this.#rule = { opensWhen, probes };
    this.#wait = typeof breakDuration === "function" ? breakDuration : toMs(breakDuration);
    this.#name = name;
    this.#classify = classify;
    this.#snapshot = options.state === undefined ? { state: "closed" } : parseSnapshot(options.state);
    if (this.#snapshot.state === "closed") this.#state = closedState(0, this.#rule);
  }

  get state(): CircuitState {
    return this.#state?.at ?? this.#snapshot.state;
  }

  async execute<T extends R>(task: Task<T>, context?: Context): Promise<T> {
    const scope = enterScope(context);
    const generation = this.#admit(scope);
    const outcome = await captureOutcome(() => task(scope));
    this.#recordOutcome(outcome, scope, generation);
    return unwrap(outcome);
  }

  isolate(): Isolation {
    this.#transition({ type: "isolated" });
    let isIsolating = true;
    const release = (): void => {
      if (isIsolating) this.#transition({ type: "released" });
      isIsolating = false;
    };
    return { release, [Symbol.dispose]: release };
  }

  toJSON(): BreakerSnapshot {
    return this.#state === undefined ? this.#snapshot : toSnapshot(this.#state);
  }

  explain(): Explanation {
    const { opensWhen, probes } = this.#rule;
    const wait = this.#wait;
    return {
      policy: this.#name,
      opensWhen: opensWhen.name,
      breakDuration: typeof wait === "number" ? formatMs(wait) : strategyName(wait),
      probes,
    };
  }

  cloneForPlan(): Policy<R> {
    const { on: _on, state: _state, ...rule } = this.#options;
    return breaker(rule);
  }

  /** Admits a call and returns the generation of the state in which it starts. Throws when the circuit rejects it. */
  #admit(scope: Scope): number {
    const now = scope.clock.now();
    const before = (this.#state ??= restoreState(this.#rule, this.#snapshot, scope.clock));
    if (!admits(this.#rule, before, now)) throw this.#reject(before, scope);
    const { generation } = (this.#state = nextState(this.#rule, before, { type: "admitted", now }));
    try {
      this.#reportTransition(before, scope);
    } catch (thrown) {
      this.#transition({ type: "ignored", generation }, scope);
      throw thrown;
    }
    return generation;
  }

  #reject(state: BreakerState, scope: Scope): CircuitOpenError {
    const error = new CircuitOpenError(findRetryTime(state, scope.clock));
    emitEvent({ type: "rejected", policy: this.#name, error }, this.#options.on, scope.on);
    return error;
  }

  #recordOutcome(outcome: Outcome<R>, scope: Scope, generation: number): void {
    let judgement: BreakerClassification = "ignored";
    try {
      judgement = this.#classify(outcome, scope);
    } finally {
      // Runs also when the classifier throws, so that an ended probe makes room for another one.
      this.#transition(this.#toInput(judgement, { outcome, scope, generation }), scope);
    }
  }

  #toInput(judgement: BreakerClassification, { outcome, scope, generation }: FinishedCall<R>): BreakerInput {
    const now = scope.clock.now();
    if (judgement === "ignored") return { type: "ignored", generation };
    if (judgement === "success") return { type: "succeeded", now, generation };
    return { type: "failed", now, generation, break: createBreakFactory(this.#wait, outcome, scope) };
  }

  #transition(input: BreakerInput, scope?: Scope): void {
    const before = this.#state ?? closedState(0, this.#rule);
    this.#state = nextState(this.#rule, before, input);
    this.#reportTransition(before, scope);
  }

  #reportTransition(before: BreakerState, scope: Scope | undefined): void {
    const after = this.#state;
    if (after === undefined || after.generation === before.generation) return;
    emitEvent(toTransitionEvent(after, this.#name), this.#options.on, scope?.on);
  }
}

interface FinishedCall<R> {
  readonly outcome: Outcome<R>;
  readonly scope: Scope;
  readonly generation: number;
}

function toTransitionEvent(state: BreakerState, policy: string): PolicyEvent {
  switch (state.at) {
    case "closed":
      return { type: "closed", policy };
    case "half-open":
      return { type: "half-opened", policy };
    case "open":
      return { type: "opened", policy, retryAt: state.break.retryAt };
    case "isolated":
      return { type: "opened", policy, retryAt: Infinity };
  }
}

function findRetryTime(state: BreakerState, clock: Clock): number {
  if (state.at === "open") return state.break.retryAt;
  return state.at === "half-open" ? clock.date() + Math.max(0, state.until - clock.now()) : Infinity;
}
