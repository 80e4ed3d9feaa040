import type { Break, BreakFactory } from "./break.ts";
import type { FailureTally } from "./failure-tally.ts";

/** The settings that decide when a circuit opens and closes. */
export interface BreakerRule {
  /** The tally with which a closed circuit starts. */
  readonly opensWhen: FailureTally;
  /** How many calls a half-open circuit runs. The circuit closes when all of them succeed. */
  readonly probes: number;
}

/**
 * The state of a circuit. `generation` grows with every transition, so that the outcome of a call that started in an
 * earlier state is recognised. `openings` is how often the circuit opened since it was last closed. Times are
 * milliseconds of `clock.now()`.
 */
export type BreakerState =
  | { readonly at: "closed"; readonly generation: number; readonly tally: FailureTally }
  | { readonly at: "open"; readonly generation: number; readonly openings: number; readonly break: Break }
  | HalfOpen
  | { readonly at: "isolated"; readonly generation: number; readonly holders: number };

interface HalfOpen {
  readonly at: "half-open";
  readonly generation: number;
  readonly openings: number;
  readonly break: Break;
  /** When probes that are still running no longer count, and others may start. */
  readonly until: number;
  readonly running: number;
  readonly succeeded: number;
}

/** An input of a circuit. `generation` is that of the state in which the call started. */
export type BreakerInput =
  | { readonly type: "admitted"; readonly now: number }
  | { readonly type: "succeeded"; readonly now: number; readonly generation: number }
  | {
      readonly type: "failed";
      readonly now: number;
      readonly generation: number;
      readonly break: BreakFactory;
    }
  | { readonly type: "ignored"; readonly generation: number }
  | { readonly type: "isolated" }
  | { readonly type: "released" };

type ResultInput = Exclude<BreakerInput, { readonly type: "admitted" | "isolated" | "released" }>;

/** Returns the state of a closed circuit without any outcome. */
export function closedState(generation: number, rule: BreakerRule): BreakerState {
  return { at: "closed", generation, tally: rule.opensWhen };
}

/** Returns whether a call may run. If it runs, pass an `admitted` input to `nextState`. */
export function admits(rule: BreakerRule, state: BreakerState, now: number): boolean {
  switch (state.at) {
    case "closed":
      return true;
    case "open":
      return now >= state.break.until;
    case "half-open":
      return state.running + state.succeeded < rule.probes || now >= state.until;
    case "isolated":
      return false;
  }
}

/** Returns the state after an input. The whole rule of a circuit breaker, without clock, task and events. */
export function nextState(rule: BreakerRule, state: BreakerState, input: BreakerInput): BreakerState {
  switch (input.type) {
    case "admitted":
      return afterAdmission(rule, state, input.now);
    case "isolated":
      return isolate(state);
    case "released":
      return release(rule, state);
    case "succeeded":
    case "failed":
    case "ignored":
      // The call started in another state, so its outcome does not count in this one.
      return input.generation === state.generation ? afterResult(rule, state, input) : state;
  }
}

function afterAdmission(rule: BreakerRule, state: BreakerState, now: number): BreakerState {
  if (state.at === "open") return halfOpenState(state, now);
  if (state.at !== "half-open") return state;
  const lost = state.running + state.succeeded >= rule.probes;
  return lost ? halfOpenState(state, now) : { ...state, running: state.running + 1 };
}

function halfOpenState(
  state: Extract<BreakerState, { at: "open" | "half-open" }>,
  now: number,
): BreakerState {
  const { generation, openings, break: last } = state;
  const until = now + last.duration;
  return {
    at: "half-open",
    generation: generation + 1,
    openings,
    break: last,
    until,
    running: 1,
    succeeded: 0,
  };
}

function afterResult(rule: BreakerRule, state: BreakerState, input: ResultInput): BreakerState {
  if (state.at === "half-open") return afterProbe(rule, state, input);
  if (state.at !== "closed" || input.type === "ignored") return state;
  const tally = state.tally.after(input.type === "failed", input.now);
  if (input.type === "failed" && tally.trips(input.now)) {
    return { at: "open", generation: state.generation + 1, openings: 1, break: input.break(1, undefined) };
  }
  return tally === state.tally ? state : { ...state, tally };
}

function afterProbe(rule: BreakerRule, state: HalfOpen, input: ResultInput): BreakerState {
  const generation = state.generation + 1;
  const running = state.running - 1;
  if (input.type === "ignored") return { ...state, running };
  if (input.type === "failed") {
    const openings = state.openings + 1;
    return { at: "open", generation, openings, break: input.break(openings, state.break) };
  }
  const succeeded = state.succeeded + 1;
  return succeeded >= rule.probes ? closedState(generation, rule) : { ...state, running, succeeded };
}

function isolate(state: BreakerState): BreakerState {
  if (state.at === "isolated") return { ...state, holders: state.holders + 1 };
  return { at: "isolated", generation: state.generation + 1, holders: 1 };
}

function release(rule: BreakerRule, state: BreakerState): BreakerState {
  if (state.at !== "isolated") return state;
  return state.holders > 1
    ? { ...state, holders: state.holders - 1 }
    : closedState(state.generation + 1, rule);
}
