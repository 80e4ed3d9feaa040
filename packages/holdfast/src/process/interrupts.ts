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

/** Abort signals that follow SIGINT and SIGTERM, until disposed. */
export interface Interrupts {
  /** Aborted by the first SIGINT or SIGTERM: requests in flight finish, and no further request starts. */
  readonly drain: AbortSignal;
  /** Aborted by the second: requests in flight are cancelled. */
  readonly abort: AbortSignal;
  [Symbol.dispose](): void;
}

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
  off(signal: "SIGINT" | "SIGTERM", listener: () => void): unknown;
}

/** Listens to SIGINT and SIGTERM. `onStage` is called with each new stage, before the abort signals fire. */
export function listenToInterrupts(
  source: SignalSource,
  clock: Pick<Clock, "now">,
  onStage: (stage: InterruptStage) => void,
): Interrupts {
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
  source.on("SIGINT", onSignal);
  source.on("SIGTERM", onSignal);
  return {
    drain: drain.signal,
    abort: abort.signal,
    [Symbol.dispose]: () => {
      source.off("SIGINT", onSignal);
      source.off("SIGTERM", onSignal);
    },
  };
}
