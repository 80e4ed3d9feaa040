/** The state of a row. Each state has only the fields that it needs. */
export type RowState =
  | { readonly at: "pending" }
  | { readonly at: "leased" }
  | { readonly at: "done" }
  | { readonly at: "failed"; readonly reason: string; readonly retryable: boolean }
  | {
      readonly at: "deferred";
      readonly until: number /* epoch ms */;
      /** How often the row has been deferred. */
      readonly deferrals: number;
      readonly reason: string;
    }
  /** The request may have been executed, and must not be sent again. */
  | { readonly at: "unknown"; readonly reason: string }
  | { readonly at: "skipped"; readonly reason: string };

/** An event that may change the state of a row. */
export type RowStateInput =
  | { readonly type: "claimed"; readonly now: number /* epoch ms */ }
  | { readonly type: "finished"; readonly state: OutcomeState }
  | { readonly type: "released" }
  | { readonly type: "owner-died"; readonly mayHaveBeenExecuted: boolean };

/** The states in which a lease can end. */
export type OutcomeState = Exclude<RowState, { readonly at: "pending" | "leased" }>;

/** The reason of a row after a process that died between sending the request and recording its outcome. */
export const interruptedReason = "interrupted";

/** Returns the next state of a row. An input that does not apply changes nothing, so a finished row is never reopened by accident. */
export function nextRowState(state: RowState, input: RowStateInput): RowState {
  switch (input.type) {
    case "claimed":
      return mayBeClaimed(state, input.now) ? { at: "leased" } : state;
    case "finished":
      return state.at === "leased" ? input.state : state;
    case "released":
      return state.at === "leased" ? { at: "pending" } : state;
    case "owner-died":
      if (state.at !== "leased") return state;
      return input.mayHaveBeenExecuted ? { at: "unknown", reason: interruptedReason } : { at: "pending" };
  }
}

/** Returns whether a run may claim the row: it is new, its failure is retryable, or its deferral is due. */
export function mayBeClaimed(state: RowState, now: number): boolean {
  switch (state.at) {
    case "pending":
      return true;
    case "failed":
      return state.retryable;
    case "deferred":
      return state.until <= now;
    case "leased":
    case "done":
    case "unknown":
    case "skipped":
      return false;
  }
}
