import type { Clock } from "@holdfast/policy";

/** How a run ends early: after the requests in flight, without them, or without any cleanup. */
export type InterruptStage = "none" | "drain" | "abort" | "exit";

/** The signals received so far. */
export interface InterruptState {
  readonly stage: InterruptStage;
  /** The time of the last signal, in the clock's milliseconds. */
  readonly receivedAt: number;
}

// One Ctrl-C arrives twice when npm forwards a signal that the terminal has already sent to the whole process group.
const duplicateSignalWindow = 300;

const nextStage: Readonly<Record<InterruptStage, InterruptStage>> = {
  none: "drain",
  drain: "abort",
  abort: "exit",
  exit: "exit",
};

/**
 * Returns the state after one more signal. The first signal drains, the second aborts, the third exits. A signal within
 * 300 ms of the one before does not count.
 */
export function nextInterrupt(state: InterruptState, now: number): InterruptState {
  const isDuplicate = now - state.receivedAt < duplicateSignalWindow;
  return { stage: isDuplicate ? state.stage : nextStage[state.stage], receivedAt: now };
}

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Abort signals that follow SIGINT, SIGTERM and, on a terminal, SIGHUP, until disposed. */
export interface Interrupts {
  /** Aborted by the first signal: requests in flight finish, and no further request starts. */
  readonly drain: AbortSignal;
  /** Aborted by the second: requests in flight are cancelled. */
  readonly abort: AbortSignal;
  [Symbol.dispose](): void;
}

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(signal: Signal, listener: () => void): unknown;
  off(signal: Signal, listener: () => void): unknown;
}

export interface InterruptOptions {
  readonly clock: Pick<Clock, "now">;
  /** Whether the process has a terminal. Without one, the end of a terminal is no reason to stop. */
  readonly hasTerminal: boolean;
  /** Receives each new stage, before the abort signals fire. */
  readonly onStage: (stage: InterruptStage) => void;
}

/** Listens to SIGINT, SIGTERM and, on a terminal, SIGHUP. */
export function listenToInterrupts(
  source: SignalSource,
  { clock, hasTerminal, onStage }: InterruptOptions,
): Interrupts {
  const signals: readonly Signal[] = ["SIGINT", "SIGTERM", ...(hasTerminal ? (["SIGHUP"] as const) : [])];
  const drain = new AbortController();
  const abort = new AbortController();
  let state: InterruptState = { stage: "none", receivedAt: -Infinity };
  const onSignal = (): void => {
    const before = state.stage;
    state = nextInterrupt(state, clock.now());
    if (state.stage === before) return;
    onStage(state.stage);
    if (state.stage === "drain") drain.abort();
    if (state.stage === "abort") abort.abort();
  };
  for (const signal of signals) source.on(signal, onSignal);
  return {
    drain: drain.signal,
    abort: abort.signal,
    [Symbol.dispose]: () => {
      for (const signal of signals) source.off(signal, onSignal);
    },
  };
}
