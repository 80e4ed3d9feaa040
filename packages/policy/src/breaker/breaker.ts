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
import { timeWindow, type Tally } from "./tally.ts";

/** What a result means to a circuit breaker; `ignored` neither opens nor closes it. */
export type BreakerClassification = "success" | "failure" | "ignored";

export interface BreakerOptions<in R = unknown> {
  /** When a closed circuit opens. @default timeWindow(): half of at least 20 calls within 30 s */
  readonly opensWhen?: Tally;
  /**
   * How long the circuit stays open before it lets probes through: fixed, or a strategy of `retry`, whose attempt number
   * is how often it opened in a row. @default "10s"
   */
  readonly breakDuration?: Duration | Wait;
  /** How many calls a half-open circuit lets through; it closes when they all succeed. @default 1 */
  readonly probes?: number;
  /** What a result means. @default an error is a failure, but a caller's abort and a RejectedError are ignored */
  readonly classify?: Classifier<R, BreakerClassification>;
  /** Where to take up again: what `toJSON` gave in another process. @default closed */
  readonly state?: BreakerSnapshot;
  /** Hears every event. */
  readonly on?: Listener;
  /** Names the policy in events and explanations. @default "breaker" */
  readonly name?: string;
}

/** Holds a circuit open until it is released; releasing twice does nothing. */
export interface Isolation extends Disposable {
  release(): void;
}

/** The state of a circuit. */
export type CircuitState = "closed" | "open" | "half-open" | "isolated";

/** A circuit breaker: share one between all callers of the same thing. */
export interface Breaker<in R = unknown> extends Policy<R> {
  /** Closed, open, half-open or isolated. */
  readonly state: CircuitState;
  /** Lets no call through until the handle is released, every handle where there are several; then it is closed. */
  isolate(): Isolation;
  /** The circuit as plain data, for the option `state`. */
  toJSON(): BreakerSnapshot;
}

/** What `breaker()` does when it is told nothing. */
export const breakerDefaults: Required<Omit<BreakerOptions, "state" | "on">> = {
  opensWhen: timeWindow(),
  breakDuration: "10s",
  probes: 1,
  classify: (outcome, scope) =>
    outcome.ok ? "success" : isCausedByCaller(outcome.error, scope) ? "ignored" : "failure",
  name: "breaker",
};

/**
 * Makes a circuit breaker: it stops calling what keeps failing, and tries again with a few probes after a while
 * (M. Nygard, Release It!). A call that is not let through rejects with a CircuitOpenError. A result counts only in the
 * state in which its call began. Probes that do not come back within another break are given up.
 *
 * @throws RangeError for less than one probe, TypeError for a `state` that is none.
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
  // A snapshot tells the date, and only a call tells the clock.
  #state: BreakerState | undefined;

  constructor(options: BreakerOptions<R>) {
    const { opensWhen, breakDuration, probes, classify, name } = { ...breakerDefaults, ...options };
    if (!(probes >= 1)) throw new RangeError(`breaker needs 1 probe or more, got ${probes}`);
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
    const generation = this.#enter(scope);
    const outcome = await captureOutcome(() => task(scope));
    this.#settle(outcome, scope, generation);
    return unwrap(outcome);
  }

  isolate(): Isolation {
    this.#move({ type: "isolated" });
    let held = true;
    const release = (): void => {
      if (held) this.#move({ type: "released" });
      held = false;
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

  /** Lets the call through and gives the generation it belongs to, or throws. */
  #enter(scope: Scope): number {
    const now = scope.clock.now();
    const before = (this.#state ??= restoreState(this.#rule, this.#snapshot, scope.clock));
    if (!admits(this.#rule, before, now)) throw this.#refusal(before, scope);
    const { generation } = (this.#state = nextState(this.#rule, before, { type: "asked", now }));
    try {
      this.#tell(before, scope);
    } catch (thrown) {
      this.#move({ type: "ignored", generation }, scope);
      throw thrown;
    }
    return generation;
  }

  #refusal(state: BreakerState, scope: Scope): CircuitOpenError {
    const error = new CircuitOpenError(findRetryTime(state, scope.clock));
    emitEvent({ type: "rejected", policy: this.#name, error }, this.#options.on, scope.on);
    return error;
  }

  #settle(outcome: Outcome<R>, scope: Scope, generation: number): void {
    let judgement: BreakerClassification = "ignored";
    try {
      judgement = this.#classify(outcome, scope);
    } finally {
      // Whatever the classifier does, a probe that is over gives its place back.
      this.#move(this.#inputOf(judgement, { outcome, scope, generation }), scope);
    }
  }

  #inputOf(judgement: BreakerClassification, { outcome, scope, generation }: FinishedCall<R>): BreakerInput {
    const now = scope.clock.now();
    if (judgement === "ignored") return { type: "ignored", generation };
    if (judgement === "success") return { type: "succeeded", now, generation };
    return { type: "failed", now, generation, break: createBreakFactory(this.#wait, outcome, scope) };
  }

  #move(input: BreakerInput, scope?: Scope): void {
    const before = this.#state ?? closedState(0, this.#rule);
    this.#state = nextState(this.#rule, before, input);
    this.#tell(before, scope);
  }

  #tell(before: BreakerState, scope: Scope | undefined): void {
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
