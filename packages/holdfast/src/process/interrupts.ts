import type { Clock } from "@holdfast/policy";

/** How far a person's wish to stop has gone. */
export type InterruptStage = "none" | "drain" | "abort" | "exit";

/** What is known of the interruptions so far. */
export interface InterruptState {
  readonly stage: InterruptStage;
  /** When the last signal was heard, in the clock's milliseconds. */
  readonly receivedAt: number;
}

// One Ctrl-C arrives twice when npm passes on a signal that the terminal has already sent to the whole group.
const echo = 300;

const following: Readonly<Record<InterruptStage, InterruptStage>> = {
  none: "drain",
  drain: "abort",
  abort: "exit",
  exit: "exit",
};

/** Gives the state after one more signal: the first drains, the second aborts, a third ends at once; an echo changes nothing. */
export function nextInterrupt(state: InterruptState, now: number): InterruptState {
  return { stage: now - state.receivedAt < echo ? state.stage : following[state.stage], receivedAt: now };
}

/** The signals that a run obeys, and the way to stop listening. */
export interface Interrupts {
  /** Aborted by the first SIGINT or SIGTERM: finish what is in flight, start nothing. */
  readonly drain: AbortSignal;
  /** Aborted by the second: give up what is in flight. */
  readonly abort: AbortSignal;
  [Symbol.dispose](): void;
}

/** What interrupts need of a process. */
export interface SignalSource {
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  off(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

/** Listens to SIGINT and SIGTERM; `reached` hears every new stage before the signals are aborted. */
export function listenToInterrupts(
  source: SignalSource,
  clock: Pick<Clock, "now">,
  reached: (stage: InterruptStage) => void,
): Interrupts {
  const drain = new AbortController();
  const abort = new AbortController();
  let state: InterruptState = { stage: "none", receivedAt: -Infinity };
  const hear = (): void => {
    const before = state.stage;
    state = nextInterrupt(state, clock.now());
    if (state.stage === before) return;
    reached(state.stage);
    if (state.stage === "drain") drain.abort();
    if (state.stage === "abort") abort.abort();
  };
  source.on("SIGINT", hear);
  source.on("SIGTERM", hear);
  return {
    drain: drain.signal,
    abort: abort.signal,
    [Symbol.dispose]: () => {
      source.off("SIGINT", hear);
      source.off("SIGTERM", hear);
    },
  };
}
