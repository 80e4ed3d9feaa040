import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { JobLease, Ledger } from "../../ledger/ledger.ts";
import { type OutcomeState, mayBeClaimed, nextRowState, type RowState } from "../../ledger/state.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { type Open, claim, outcome, sums, url } from "./support.ts";

const endStates: readonly OutcomeState[] = [
  { at: "done" },
  { at: "failed", reason: "f", retryable: true },
  { at: "failed", reason: "g", retryable: false },
  { at: "deferred", until: 50, deferrals: 1, reason: "d" },
  { at: "unknown", reason: "u" },
];

type Step =
  | { readonly do: "plan" | "claim" | "due" | "release" | "crash"; readonly count: number }
  | { readonly do: "finish"; readonly state: OutcomeState };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom("plan", "claim", "due", "release", "crash"),
      count: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({ do: fc.constant("finish" as const), state: fc.constantFrom(...endStates) }),
  ),
  { maxLength: 40 },
);

/** A ledger follows `nextRowState` for any sequence of steps. */
export function modelled(open: Open): void {
  it("keeps every row in the state that nextRowState returns, for any sequence of steps", () => {
    const property = fc.property(steps, (sequence) => {
      const directory = makeRunDirectory();
      const model = new Model(directory, open);
      for (const step of sequence) model.take(step);

      model.close();
    });
    fc.assert(property, { numRuns: 40 });
  });
}

/** Runs a ledger and a list of states that follows `nextRowState`, and compares them after every step. */
class Model {
  readonly #directory: string;
  readonly #open: Open;
  readonly #states: RowState[] = [];
  #ledger: Ledger;
  readonly #leases: JobLease[] = [];

  constructor(directory: string, open: Open) {
    this.#directory = directory;
    this.#open = open;
    this.#ledger = open(directory);
  }

  take(step: Step): void {
    this.#act(step);
    const expected = this.#states.map((state) => (state.at === "leased" ? "leased" : state.at));
    const seen = [...this.#ledger.results()].map(({ state }, index) =>
      this.#states[index]?.at === "leased" ? "leased" : state,
    );
    assert.deepEqual(seen, expected);
    assert.ok(sums(this.#ledger));
  }

  close(): void {
    this.#ledger.close();
  }

  #act(step: Step): void {
    if (step.do === "plan") this.#plan(step.count);
    else if (step.do === "claim") this.#handOut(claim(this.#ledger, step.count), 0);
    else if (step.do === "due") this.#handOut(claim(this.#ledger, step.count, 50), 50);
    else if (step.do === "finish") this.#finish(step.state);
    else if (step.do === "release") this.#release(step.count);
    else this.#crash();
  }

  #plan(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.#states.push({ at: "pending" });
      const job = {
        kind: "job",
        line: this.#states.length,
        method: "GET",
        url: url(this.#states.length),
      } as const;
      assert.equal(this.#ledger.plan([job]).added, 1);
    }
  }

  #handOut(leases: readonly JobLease[], now: number): void {
    for (const { job } of leases) {
      const state = this.#states[job.id - 1];
      assert.ok(
        state !== undefined && mayBeClaimed(state, now),
        `row ${job.id} was handed out as ${state?.at}`,
      );
      this.#states[job.id - 1] = nextRowState(state, { type: "claimed", now });
    }
    this.#leases.push(...leases);
  }

  #finish(state: OutcomeState): void {
    const lease = this.#leases.shift();
    if (lease === undefined) return;
    this.#ledger.record(outcome(lease, state));
    this.#ledger.commit();
    this.#states[lease.job.id - 1] = nextRowState({ at: "leased" }, { type: "finished", state });
  }

  // A released row has the state from before the lease.
  #release(count: number): void {
    for (const lease of this.#leases.splice(0, count)) {
      this.#ledger.release([lease]);
      this.#states[lease.job.id - 1] = before(lease);
    }
  }

  #crash(): void {
    this.#ledger.close();
    this.#ledger = this.#open(this.#directory);
    for (const lease of this.#leases.splice(0)) this.#states[lease.job.id - 1] = before(lease);
  }
}

function before({ from }: JobLease): RowState {
  const known: Readonly<Record<JobLease["from"], RowState>> = {
    pending: { at: "pending" },
    failed: { at: "failed", reason: "f", retryable: true },
    deferred: { at: "deferred", until: 50, deferrals: 1, reason: "d" },
  };
  return known[from];
}
