/** Where a row stands; each state has only the fields it needs. */
export type RowState =
  | { readonly at: "pending" }
  | { readonly at: "leased" }
  | { readonly at: "done" }
  | { readonly at: "failed"; readonly reason: string; readonly retryable: boolean }
  | {
      readonly at: "deferred";
      readonly until: number /* epoch ms */;
      readonly deferrals: number;
      readonly reason: string;
    }
  | { readonly at: "unknown"; readonly reason: string }
  | { readonly at: "skipped"; readonly reason: string };

/** What may happen to a row. */
export type RowStateInput =
  | { readonly type: "claimed"; readonly now: number /* epoch ms */ }
  | { readonly type: "finished"; readonly state: OutcomeState }
  | { readonly type: "released" }
  | { readonly type: "owner-died"; readonly mayHaveBeenExecuted: boolean };

/** The states in which a lease can end. */
export type OutcomeState = Exclude<RowState, { readonly at: "pending" | "leased" }>;

/** The reason of a row whose process died between sending a request and recording what came of it. */
export const interruptedReason = "interrupted";

/** Answers where a row goes; an input that does not apply leaves it where it is, so an ended row is never opened by accident. */
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

/** Tells whether a run may take the row up: new ones, failures that a retry might fix, and deferrals that are due. */
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
