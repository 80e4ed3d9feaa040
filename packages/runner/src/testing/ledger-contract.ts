import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Lease, Ledger, Outcome, PlannedLine } from "../ledger.ts";
import { type Ended, mayBeClaimed, next, type State } from "../state.ts";
import { runDirectory } from "./run-directory.ts";

type Open = (directory: string) => Ledger;

const url = (n: number): string => `https://example.com/${n}`;

/** Gives planned GET lines for the given URL numbers, numbered from 1. */
function lines(...numbers: readonly number[]): PlannedLine[] {
  return numbers.map((n, index) => ({ kind: "job", line: index + 1, method: "GET", url: url(n) }));
}

const post: Extract<PlannedLine, { kind: "job" }> = { kind: "job", line: 1, method: "POST", url: url(1), request: { body: "x" } };

function outcome(lease: Lease | undefined, state: Ended = { at: "done" }, body = "body"): Outcome {
  assert.ok(lease !== undefined, "a lease was expected");
  const exchange = { status: 200, finalUrl: lease.job.url, headers: [["content-type", "text/plain"]] as const, body: Buffer.from(body), bytes: body.length, attempts: [{ number: 1 }], elapsed: 1 };
  return { lease, state, advice: "", exchange, at: 1_000 };
}

function claimed(ledger: Ledger): number[] {
  return ledger.claim(1_000).map(({ job }) => job.line);
}

function states(ledger: Ledger): string[] {
  return [...ledger.results()].map(({ line, state, reason }) => `${line} ${state} ${reason}`.trim());
}

function sums(ledger: Ledger): boolean {
  const { lines: all, done, failed, skipped, unknown, waiting } = ledger.totals();
  return all === done + failed + skipped + unknown + waiting;
}

/** What every ledger promises; each implementation runs it. */
export function ledgerContract(name: string, open: Open): void {
  describe(`${name} ledger, planning`, () => planning(open));
  describe(`${name} ledger, handing out`, () => handingOut(open));
  describe(`${name} ledger, recording`, () => recording(open));
  describe(`${name} ledger, after a crash`, () => crashing(open));
  describe(`${name} ledger, over its life`, () => modelled(open));
}

function planning(open: Open): void {
  it("makes a row of every line", () => {
    const ledger = open(runDirectory());

    const planned = ledger.plan(lines(1, 2, 3));

    assert.deepEqual(planned, { added: 3, known: 0, duplicates: 0, invalid: 0 });
    assert.deepEqual(states(ledger), ["1 pending", "2 pending", "3 pending"]);
    ledger.close();
  });

  it("skips a line whose request was there before, and names the first", () => {
    const ledger = open(runDirectory());

    const planned = ledger.plan(lines(1, 2, 1, 1));

    assert.deepEqual(planned, { added: 2, known: 0, duplicates: 2, invalid: 0 });
    assert.deepEqual(states(ledger).slice(2), ["3 skipped duplicate-of-line-1", "4 skipped duplicate-of-line-1"]);
    ledger.close();
  });

  it("fails a line that is no request, for good", () => {
    const ledger = open(runDirectory());

    ledger.plan([{ kind: "invalid", line: 1, text: "ftp://x", reason: "bad-input: no" }]);

    assert.deepEqual(states(ledger), ["1 failed bad-input: no"]);
    ledger.reopenFailed();
    assert.deepEqual(ledger.claim(9), []);
    ledger.close();
  });

  it("tells requests apart by method and body", () => {
    const ledger = open(runDirectory());

    const planned = ledger.plan([post, { ...post, method: "PUT" }, { ...post, request: { body: "y" } }, post]);

    assert.deepEqual(planned, { added: 3, known: 0, duplicates: 1, invalid: 0 });
    ledger.close();
  });

  it("adds no row twice when the same list is read again, duplicates and bad lines included", () => {
    const directory = runDirectory();
    const list: PlannedLine[] = [...lines(1, 2, 1), { kind: "invalid", line: 4, text: "?", reason: "bad-input: ?" }];
    const first = open(directory);
    first.plan(list);
    first.close();

    const again = open(directory);
    const planned = again.plan(list);

    assert.deepEqual(planned, { added: 0, known: 4, duplicates: 0, invalid: 0 });
    assert.equal(again.totals().lines, 4);
    again.close();
  });

  it("adds the new lines of a list that grew at any place, and one more equal line as a duplicate", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan(lines(1, 2));
    first.close();

    const again = open(directory);
    const planned = again.plan(lines(3, 1, 2, 1));

    assert.deepEqual(planned, { added: 1, known: 2, duplicates: 1, invalid: 0 });
    again.close();
  });

  it("goes on with a list whose reading was cut short", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan(lines(1, 2, 1));
    first.close();

    const again = open(directory);
    again.plan(lines(1, 2));
    const planned = again.plan([...lines(1, 4), ...lines(1)]);

    assert.deepEqual(planned, { added: 1, known: 1, duplicates: 1, invalid: 0 });
    again.close();
  });
}

function handingOut(open: Open): void {
  it("hands out each row once, in order, and new rows as they are planned", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1, 2, 3));

    const windows = [ledger.claim(2), ledger.claim(2), ledger.claim(2)].map((leases) => leases.map(({ job }) => job.id));
    ledger.plan(lines(1, 2, 3, 4));

    assert.deepEqual(windows, [[1, 2], [3], []]);
    assert.deepEqual(ledger.claim(9).map(({ job }) => job.url), [url(4)]);
    ledger.close();
  });

  it("hands out what a request needs", () => {
    const ledger = open(runDirectory());
    const request = { headers: { a: "b" }, body: "x", idempotencyKey: "k" };
    ledger.plan([{ ...post, request }]);

    const [lease] = ledger.claim(1);

    assert.deepEqual(lease, { job: { id: 1, line: 1, method: "POST", url: url(1), request }, from: "pending", rounds: 0 });
    ledger.close();
  });

  it("hands out a deferred row when it is due, not before, and only once", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1, 2));
    const [first] = ledger.claim(9);
    ledger.record(outcome(first, { at: "deferred", until: 5_000, rounds: 1, reason: "http-429" }));
    ledger.commit();

    const due = [4_999, 5_000, 5_000].map((now) => ledger.due(now, 9).map(({ job, from, rounds }) => ({ id: job.id, from, rounds })));

    assert.deepEqual(due, [[], [{ id: 1, from: "deferred", rounds: 1 }], []]);
    ledger.close();
  });

  it("knows the next time a deferred row comes due", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1, 2));
    assert.equal(ledger.nextDue(), undefined);
    const [first, second] = ledger.claim(9);
    ledger.record(outcome(first, { at: "deferred", until: 7_000, rounds: 1, reason: "x" }));
    ledger.record(outcome(second, { at: "deferred", until: 6_000, rounds: 1, reason: "x" }));
    ledger.commit();

    assert.equal(ledger.nextDue(), 6_000);
    assert.equal(ledger.totals().nextAt, 6_000);
    ledger.due(6_000, 1);
    assert.equal(ledger.nextDue(), 7_000);
    ledger.close();
  });

  it("hands out in a later run what failed and may be retried, and nothing that ended for good", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan(lines(1, 2, 3, 4));
    const [a, b, c] = first.claim(3);
    first.record(outcome(a));
    first.record(outcome(b, { at: "failed", reason: "http-503", retryable: true }));
    first.record(outcome(c, { at: "failed", reason: "http-404", retryable: false }));
    first.commit();
    first.close();

    const again = open(directory);

    assert.deepEqual(again.claim(9).map(({ job, from }) => `${job.line} ${from}`), ["2 failed", "4 pending"]);
    again.close();
    const forced = open(directory);
    forced.reopenFailed();
    assert.deepEqual(claimed(forced), [2, 3, 4]);
    forced.close();
  });
}

function recording(open: Open): void {
  it("keeps status, headers and body of an exchange", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1));
    ledger.record(outcome(ledger.claim(1)[0]));
    ledger.commit();

    const [result] = ledger.results();

    assert.ok(result?.body !== undefined);
    assert.equal(Buffer.from(result.body).toString(), "body");
    assert.deepEqual(result.headers, [["content-type", "text/plain"]]);
    const { state, reason, status, attempts, bytes, fetchedAt, contentType, finalUrl } = result;
    assert.deepEqual(
      { state, reason, status, attempts, bytes, fetchedAt, contentType, finalUrl },
      { state: "done", reason: "ok", status: 200, attempts: 1, bytes: 4, fetchedAt: 1_000, contentType: "text/plain", finalUrl: url(1) },
    );
    ledger.close();
  });

  it("records nothing before the commit", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1));

    ledger.record(outcome(ledger.claim(1)[0]));

    assert.equal(ledger.totals().waiting, 1);
    ledger.commit();
    assert.equal(ledger.totals().done, 1);
    ledger.close();
  });

  it("keeps the first outcome of a row that ended for good", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1));
    const [lease] = ledger.claim(1);
    for (const state of [{ at: "done" }, { at: "failed", reason: "late", retryable: true }, { at: "deferred", until: 1, rounds: 1, reason: "late" }] as const) {
      ledger.record(outcome(lease, state));
      ledger.commit();
    }

    assert.deepEqual(states(ledger), ["1 done ok"]);
    assert.equal(ledger.nextDue(), undefined);
    ledger.close();
  });

  it("replaces a failure that was retried, and adds its attempts up", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1));
    const [lease] = ledger.claim(1);
    const passing: Ended[] = [
      { at: "failed", reason: "http-503", retryable: true },
      { at: "deferred", until: 1, rounds: 1, reason: "http-429" },
      { at: "failed", reason: "http-502", retryable: true },
      { at: "done" },
    ];

    for (const state of passing) {
      ledger.record(outcome(lease, state));
      ledger.commit();
      assert.ok(sums(ledger));
    }

    assert.deepEqual(states(ledger), ["1 done ok"]);
    assert.equal(ledger.totals().attempts, 4);
    ledger.close();
  });

  it("groups what is not done by reason with count, advice and the first lines, and its counts add up", () => {
    const ledger = open(runDirectory());
    ledger.plan(lines(1, 2, 3, 4, 5, 6, 1));
    const leases = ledger.claim(9);
    for (const lease of leases.slice(0, 4)) ledger.record({ ...outcome(lease, { at: "failed", reason: "http-404", retryable: false }), advice: "Check the URL" });
    ledger.record(outcome(leases[4], { at: "deferred", until: 9, rounds: 1, reason: "http-429" }));
    ledger.commit();

    const [largest, ...others] = ledger.reasons();

    assert.deepEqual(largest, {
      state: "failed",
      reason: "http-404",
      advice: "Check the URL",
      count: 4,
      retryable: false,
      samples: [1, 2, 3].map((n) => ({ line: n, url: url(n) })),
    });
    assert.deepEqual(others.map(({ state, reason, count }) => `${state} ${reason} ${count}`).toSorted(), ["deferred http-429 1", "skipped duplicate 1"]);
    assert.deepEqual({ ...ledger.totals(), bytes: 0 }, { lines: 7, done: 0, failed: 4, skipped: 1, unknown: 0, waiting: 2, attempts: 5, bytes: 0, nextAt: 9 });
    ledger.close();
  });

  it("remembers what a run noted of itself", () => {
    const ledger = open(runDirectory());
    assert.equal(ledger.note(), undefined);

    ledger.setNote({ startedAt: 1, elapsed: 2, ended: "drained" });

    assert.deepEqual(ledger.note(), { startedAt: 1, elapsed: 2, ended: "drained" });
    ledger.close();
  });
}

function crashing(open: Open): void {
  it("hands leases out again that outlived their owner", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan(lines(1, 2));
    first.claim(2);
    first.close();

    const again = open(directory);

    assert.deepEqual(claimed(again), [1, 2]);
    again.close();
  });

  it("reports an unsafe request that may have been executed as unknown, and never hands it out again", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan([post]);
    first.intend(first.claim(1).map(({ job }) => job));
    first.close();

    const again = open(directory);

    assert.deepEqual(states(again), ["1 unknown interrupted"]);
    assert.deepEqual(claimed(again), []);
    assert.ok(sums(again));
    again.close();
  });

  it("forgets the intent of a request that was answered or taken back", () => {
    const directory = runDirectory();
    const first = open(directory);
    first.plan([post, { ...post, line: 2, url: url(2) }]);
    const leases = first.claim(2);
    first.intend(leases.map(({ job }) => job));
    first.record(outcome(leases[0], { at: "failed", reason: "refused", retryable: true }));
    first.commit();
    first.release(leases.slice(1));
    first.close();

    const again = open(directory);

    assert.deepEqual(states(again), ["1 failed refused", "2 pending"]);
    again.close();
  });
}

const endings: readonly Ended[] = [
  { at: "done" },
  { at: "failed", reason: "f", retryable: true },
  { at: "failed", reason: "g", retryable: false },
  { at: "deferred", until: 50, rounds: 1, reason: "d" },
  { at: "unknown", reason: "u" },
];

type Step = { readonly do: "plan" | "claim" | "due" | "release" | "crash"; readonly count: number } | { readonly do: "finish"; readonly state: Ended };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom("plan", "claim", "due", "release", "crash"), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant("finish" as const), state: fc.constantFrom(...endings) }),
  ),
  { maxLength: 40 },
);

function modelled(open: Open): void {
  it("keeps every row in the state that the rule of states gives, whatever happens", () => {
    const property = fc.property(steps, (todo) => {
      const directory = runDirectory();
      const model = new Model(directory, open);
      for (const step of todo) model.take(step);

      model.close();
    });
    fc.assert(property, { numRuns: 40 });
  });
}

/** Runs a ledger beside a list of states that follows `next`, and compares them after every step. */
class Model {
  readonly #directory: string;
  readonly #open: Open;
  readonly #states: State[] = [];
  #ledger: Ledger;
  #leases: Lease[] = [];

  constructor(directory: string, open: Open) {
    this.#directory = directory;
    this.#open = open;
    this.#ledger = open(directory);
  }

  take(step: Step): void {
    this.#act(step);
    const expected = this.#states.map((state) => (state.at === "leased" ? "leased" : state.at));
    const seen = [...this.#ledger.results()].map(({ state }, index) => (this.#states[index]?.at === "leased" ? "leased" : state));
    assert.deepEqual(seen, expected);
    assert.ok(sums(this.#ledger));
  }

  close(): void {
    this.#ledger.close();
  }

  #act(step: Step): void {
    if (step.do === "plan") this.#plan(step.count);
    else if (step.do === "claim") this.#handOut(this.#ledger.claim(step.count), 0);
    else if (step.do === "due") this.#handOut(this.#ledger.due(50, step.count), 50);
    else if (step.do === "finish") this.#finish(step.state);
    else if (step.do === "release") this.#release(step.count);
    else this.#crash();
  }

  #plan(count: number): void {
    for (let n = 0; n < count; n += 1) {
      this.#states.push({ at: "pending" });
      const job = { kind: "job", line: this.#states.length, method: "GET", url: url(this.#states.length) } as const;
      assert.equal(this.#ledger.plan([job]).added, 1);
    }
  }

  #handOut(leases: readonly Lease[], now: number): void {
    for (const { job } of leases) {
      const state = this.#states[job.id - 1];
      assert.ok(state !== undefined && mayBeClaimed(state, now), `row ${job.id} was handed out as ${state?.at}`);
      this.#states[job.id - 1] = next(state, { type: "claimed", now });
    }
    this.#leases.push(...leases);
  }

  #finish(state: Ended): void {
    const lease = this.#leases.shift();
    if (lease === undefined) return;
    this.#ledger.record(outcome(lease, state));
    this.#ledger.commit();
    this.#states[lease.job.id - 1] = next({ at: "leased" }, { type: "finished", state });
  }

  // Taken back, a row is as it was; the ledger keeps what it had recorded of it before.
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

function before({ from }: Lease): State {
  const known: Readonly<Record<Lease["from"], State>> = {
    pending: { at: "pending" },
    failed: { at: "failed", reason: "f", retryable: true },
    deferred: { at: "deferred", until: 50, rounds: 1, reason: "d" },
  };
  return known[from];
}
