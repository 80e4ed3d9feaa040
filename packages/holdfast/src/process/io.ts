import type { Clock } from "@holdfast/policy";
import type { SignalSource } from "./interrupts.ts";

/** A stream for text. A terminal has `isTTY` and its width in `columns`. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** The parts of the process that a command uses; tests pass their own. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  readonly clock: Clock;
  /** Ends the process immediately, after the third interrupt. */
  readonly exit: (code: number) => void;
}
