import type { RunStatus } from "../ledger/report.ts";

/** The signals with which the caller ends a run. */
interface ShutdownSignals {
  readonly drain?: AbortSignal;
  readonly signal?: AbortSignal;
}

/**
 * The two stages in which a run ends early. Draining takes no more rows and starts no further attempt; aborting also ends
 * the requests in flight. An error of the ledger, the input or the listener aborts, and is kept for the caller.
 */
export class Shutdown {
  readonly #signals: ShutdownSignals;
  readonly #onChange: () => void;
  readonly #drain = new AbortController();
  readonly #abort = new AbortController();
  #failure: { readonly error: unknown } | undefined;

  /** `onChange` is called at each stage. */
  constructor(signals: ShutdownSignals, onChange: () => void) {
    this.#signals = signals;
    this.#onChange = onChange;
  }

  /** Aborts when the run takes no more rows. */
  get drainSignal(): AbortSignal {
    return this.#drain.signal;
  }

  /** Aborts when the requests in flight must end. */
  get abortSignal(): AbortSignal {
    return this.#abort.signal;
  }

  get isDraining(): boolean {
    return this.#drain.signal.aborted;
  }

  get isAborting(): boolean {
    return this.#abort.signal.aborted;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Follows the caller's signals until the returned function is called. */
  listen(): () => void {
    const { drain, signal } = this.#signals;
    const stopDrain = listenForAbort(drain, this.drain);
    const stopAbort = listenForAbort(signal, this.#abortForCaller);
    return () => {
      stopDrain();
      stopAbort();
    };
  }

  readonly drain = (): void => {
    this.#drain.abort();
    this.#onChange();
  };

  /** Aborts because of an error. The first error is kept. */
  readonly fail = (error: unknown): void => {
    this.#failure ??= { error };
    this.#abort.abort(error);
    this.drain();
  };

  /** Throws the first error. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Returns "aborted" or "drained" when the caller's signals ended the run, otherwise `status`. */
  statusOr<S extends RunStatus>(status: S): S | "aborted" | "drained" {
    const { drain, signal } = this.#signals;
    if (signal?.aborted === true) return "aborted";
    return drain?.aborted === true ? "drained" : status;
  }

  readonly #abortForCaller = (): void => {
    this.#abort.abort(this.#signals.signal?.reason);
    this.drain();
  };
}

function listenForAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal?.aborted === true) listener();
  signal?.addEventListener("abort", listener);
  return () => signal?.removeEventListener("abort", listener);
}
