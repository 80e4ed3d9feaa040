import type { Clock } from "@holdfast/policy";
import type { SignalSource } from "./interrupts.ts";

/** A stream that text can be written to; a terminal says so and knows its width. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** Everything of the process that a command may touch. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signals: SignalSource;
  readonly clock: Clock;
  /** Ends the process at once, for the third interruption. */
  readonly exit: (code: number) => void;
}
