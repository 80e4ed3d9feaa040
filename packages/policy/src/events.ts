import type { GiveUpReason } from "./errors.ts";
import type { Attempt } from "./retry/attempt.ts";

/** Everything a policy reports; logs, metrics and statistics are folds over these. */
export type PolicyEvent =
  /** An attempt ended and was judged: `again` says what the condition answered. */
  | { readonly type: "attempt"; readonly policy: string; readonly attempt: Attempt; readonly again: boolean }
  /** A further attempt will be made after `delay` milliseconds. */
  | { readonly type: "retry"; readonly policy: string; readonly attempt: Attempt; readonly delay: number }
  /** No further attempt will be made though the condition asked for one. */
  | { readonly type: "give-up"; readonly policy: string; readonly attempt: Attempt; readonly reason: GiveUpReason };

/** Hears events, in the order in which they happened; what it throws ends the call. */
export type Listener = (event: PolicyEvent) => void;
