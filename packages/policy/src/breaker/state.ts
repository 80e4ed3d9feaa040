import type { Break, BreakFactory } from "./break.ts";
import type { Tally } from "./tally.ts";

/** What decides when a circuit opens, and how it closes again. */
export interface BreakerRule {
  /** What a closed circuit starts to count with. */
  readonly opensWhen: Tally;
  /** How many calls a half-open circuit lets through; it closes when they all succeed. */
  readonly probes: number;
}

/**
 * What a circuit is, with only what matters in it. `generation` grows with every change from one to another, so that a
 * call which began in an earlier one can be told by it. `openings` counts how often it opened since it was last closed.
 * Times are `clock.now()` milliseconds.
 */
export type BreakerState =
  | { readonly at: "closed"; readonly generation: number; readonly tally: Tally }
  | { readonly at: "open"; readonly generation: number; readonly openings: number; readonly break: Break }
  | HalfOpen
  | { readonly at: "isolated"; readonly generation: number; readonly holders: number };

interface HalfOpen {
  readonly at: "half-open";
  readonly generation: number;
  readonly openings: number;
  readonly break: Break;
  /** When probes that have not come back are given up, and others let through. */
  readonly until: number;
  readonly running: number;
  readonly succeeded: number;
}

/** What happens to a circuit. `generation` is that of the state in which the call was let through. */
export type BreakerInput =
  | { readonly type: "asked"; readonly now: number }
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

type ResultInput = Exclude<BreakerInput, { readonly type: "asked" | "isolated" | "released" }>;

/** A closed circuit that has seen nothing. */
export function closedState(generation: number, rule: BreakerRule): BreakerState {
  return { at: "closed", generation, tally: rule.opensWhen };
}

/** Whether a call may be let through; when it is, the circuit must be told that it was `asked`. */
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

/** The circuit after what happened: the whole rule, without clock, task or events. */
export function nextState(rule: BreakerRule, state: BreakerState, input: BreakerInput): BreakerState {
  switch (input.type) {
    case "asked":
      return afterAdmission(rule, state, input.now);
    case "isolated":
      return isolate(state);
    case "released":
      return release(rule, state);
    case "succeeded":
    case "failed":
    case "ignored":
      // What began in another state says nothing of this one.
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
