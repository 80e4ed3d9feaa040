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

/** How long an open circuit stays so. */
export interface Break {
  readonly duration: number;
  /** The end of it on `clock.now()`. */
  readonly until: number;
  /** The end of it in milliseconds since 1970, for people and other processes. */
  readonly retryAt: number;
}

/** What happens to a circuit. `generation` is that of the state in which the call was let through. */
export type BreakerInput =
  | { readonly type: "asked"; readonly now: number }
  | { readonly type: "succeeded"; readonly now: number; readonly generation: number }
  | { readonly type: "failed"; readonly now: number; readonly generation: number; readonly break: NextBreak }
  | { readonly type: "ignored"; readonly generation: number }
  | { readonly type: "isolated" }
  | { readonly type: "released" };

/** Says how long the circuit stays open when it opens for the `openings`th time in a row. */
export type NextBreak = (openings: number, last: Break | undefined) => Break;

type Answer = Exclude<BreakerInput, { readonly type: "asked" | "isolated" | "released" }>;

/** A closed circuit that has seen nothing. */
export function closedAt(generation: number, rule: BreakerRule): BreakerState {
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
export function next(rule: BreakerRule, state: BreakerState, input: BreakerInput): BreakerState {
  switch (input.type) {
    case "asked":
      return asked(rule, state, input.now);
    case "isolated":
      return isolated(state);
    case "released":
      return released(rule, state);
    case "succeeded":
    case "failed":
    case "ignored":
      // What began in another state says nothing of this one.
      return input.generation === state.generation ? answered(rule, state, input) : state;
  }
}

function asked(rule: BreakerRule, state: BreakerState, now: number): BreakerState {
  if (state.at === "open") return halfOpen(state, now);
  if (state.at !== "half-open") return state;
  const lost = state.running + state.succeeded >= rule.probes;
  return lost ? halfOpen(state, now) : { ...state, running: state.running + 1 };
}

function halfOpen(state: Extract<BreakerState, { at: "open" | "half-open" }>, now: number): BreakerState {
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

function answered(rule: BreakerRule, state: BreakerState, input: Answer): BreakerState {
  if (state.at === "half-open") return probed(rule, state, input);
  if (state.at !== "closed" || input.type === "ignored") return state;
  const tally = state.tally.after(input.type === "failed", input.now);
  if (input.type === "failed" && tally.trips(input.now)) {
    return { at: "open", generation: state.generation + 1, openings: 1, break: input.break(1, undefined) };
  }
  return tally === state.tally ? state : { ...state, tally };
}

function probed(rule: BreakerRule, state: HalfOpen, input: Answer): BreakerState {
  const generation = state.generation + 1;
  const running = state.running - 1;
  if (input.type === "ignored") return { ...state, running };
  if (input.type === "failed") {
    const openings = state.openings + 1;
    return { at: "open", generation, openings, break: input.break(openings, state.break) };
  }
  const succeeded = state.succeeded + 1;
  return succeeded >= rule.probes ? closedAt(generation, rule) : { ...state, running, succeeded };
}

function isolated(state: BreakerState): BreakerState {
  if (state.at === "isolated") return { ...state, holders: state.holders + 1 };
  return { at: "isolated", generation: state.generation + 1, holders: 1 };
}

function released(rule: BreakerRule, state: BreakerState): BreakerState {
  if (state.at !== "isolated") return state;
  return state.holders > 1 ? { ...state, holders: state.holders - 1 } : closedAt(state.generation + 1, rule);
}
