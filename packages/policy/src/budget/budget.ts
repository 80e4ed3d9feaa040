/** What retries may cost: calls put in, retries take out. Share one between all policies that load the same thing. */
export interface RetryBudget {
  /** Notes a call, which earns a share of a retry. */
  deposit(): void;
  /** Takes one retry out; false when there is none left. */
  withdraw(): boolean;
}

/** The budget that never runs out. */
export const unlimited: RetryBudget = { deposit: () => undefined, withdraw: () => true };
