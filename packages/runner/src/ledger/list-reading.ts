import type { NewJob } from "./job.ts";

/** A line to plan: a job, or text that cannot be a request, with the reason. */
export type PlannedLine =
  | ({ readonly kind: "job" } & NewJob)
  | { readonly kind: "invalid"; readonly line: number; readonly text: string; readonly reason: string };

/** Lines by their state. */
export interface StateCounts {
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unknown: number;
  readonly waiting: number;
}

/** The effect of planning a batch of lines. `added`, `known`, `duplicates` and `invalid` add up to the batch. */
export interface PlanCounts {
  /** New rows to fetch. */
  readonly added: number;
  /** Lines that have a row from an earlier run. */
  readonly known: number;
  /** Lines equal to an earlier line; skipped. */
  readonly duplicates: number;
  /** Lines that cannot be a request; failed. */
  readonly invalid: number;
  /** The known lines that had been removed from their list and are back, by their state. */
  readonly restored?: StateCounts;
}

/** What to do with a list that is not one of the folder's: refuse it, count it as well, or let it take the place of all lists. */
export type OtherList = "refuse" | "add" | "replace";

/**
 * One reading of one list. While it lasts, a row of the list is handed out only after `plan` has received its line. Lines
 * without a file only add rows.
 */
export interface ListReading {
  plan(lines: readonly PlannedLine[]): PlanCounts;
  /**
   * Ends the reading. If the file was read from its beginning to its end, the rows that it no longer has are set apart: an
   * invalid line gives way to the line that replaced it, and any other row is removed. Returns whether any row was.
   */
  end(isWhole: boolean): boolean;
}
