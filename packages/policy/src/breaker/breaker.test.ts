import assert from "node:assert/strict";
import { test } from "node:test";
import { CircuitOpenError, DeadlineExceededError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { waitExponential } from "../retry/wait.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { breaker, type Breaker } from "./breaker.ts";
import { parseSnapshot } from "./snapshot.ts";
import { consecutive } from "./failure-tally.ts";

const down = (): Promise<never> => Promise.reject(new Error("down"));
const up = (): string => "up";

function setUp(options: Parameters<typeof breaker>[0] = {}) {
  const clock = fakeClock({ start: 1_000, autoAdvance: false });
  const events: PolicyEvent["type"][] = [];
  const circuit = breaker({ opensWhen: consecutive(2), on: ({ type }) => events.push(type), ...options });
  return { clock, events, circuit };
}

async function fail(circuit: Breaker, clock: ReturnType<typeof fakeClock>, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await circuit.execute(down, { clock }).catch(() => undefined);
}

function deferred() {
  return Promise.withResolvers<string>();
}

test("a breaker opens, rejects calls, runs a probe after the break, and closes when the probe succeeds", async () => {
  const { clock, events, circuit } = setUp();

  await fail(circuit, clock, 2);
  const refused = await circuit.execute(up, { clock }).catch((error: unknown) => error);
  await clock.advance(10_000);
  const value = await circuit.execute(up, { clock });

  assert.ok(refused instanceof CircuitOpenError);
  assert.equal(refused.retryAt, 11_000);
  assert.equal(value, "up");
  assert.deepEqual(events, ["opened", "rejected", "half-opened", "closed"]);
  assert.equal(circuit.state, "closed");
});

test("a breaker rethrows a failure unchanged", async () => {
  const { clock, circuit } = setUp();
  const error = new Error("mine");

  await assert.rejects(
    circuit.execute(() => Promise.reject(error), { clock }),
    error,
  );
});

test("a half-open breaker runs one probe at a time", async () => {
  const { clock, circuit } = setUp();
  await fail(circuit, clock, 2);
  await clock.advance(10_000);
  const probe = deferred();

  const running = circuit.execute(() => probe.promise, { clock });
  const second = circuit.execute(up, { clock });

  await assert.rejects(second, CircuitOpenError);
  probe.resolve("probed");
  assert.equal(await running, "probed");
  assert.equal(circuit.state, "closed");
});

test("a breaker ignores the outcome of a call that started before the circuit opened", async () => {
  const { clock, circuit } = setUp();
  const early = deferred();
  const late = deferred();
  const succeeding = circuit.execute(() => early.promise, { clock });
  const failing = circuit.execute(() => late.promise, { clock });
  await fail(circuit, clock, 2);
  await clock.advance(10_000);
  const probe = deferred();
  const probing = circuit.execute(() => probe.promise, { clock });

  early.resolve("late success");
  late.reject(new Error("late failure"));
  await succeeding;
  await assert.rejects(failing);

  assert.equal(circuit.state, "half-open");
  probe.resolve("ok");
  await probing;
  assert.equal(circuit.state, "closed");
});

test("a breaker with a growing break stays open longer after each failed probe", async () => {
  const { clock, circuit } = setUp({ breakDuration: waitExponential({ multiplier: "1s" }) });
  await fail(circuit, clock, 2);
  const breaks: number[] = [];

  for (let opening = 0; opening < 3; opening += 1) {
    const refused = await circuit.execute(up, { clock }).catch((error: unknown) => error);
    assert.ok(refused instanceof CircuitOpenError);
    breaks.push(refused.retryAt - clock.date());
    await clock.advance(refused.retryAt - clock.date());
    await fail(circuit, clock, 1);
  }

  assert.deepEqual(breaks, [1_000, 2_000, 4_000]);
});

test("a breaker ignores an abort by the caller and counts an expired deadline", async () => {
  const { clock, circuit } = setUp({ opensWhen: consecutive(1) });
  const abortedWith = (reason: unknown) => {
    const caller = new AbortController();
    const task = () => {
      caller.abort(reason);
      return Promise.reject(caller.signal.reason);
    };
    return circuit.execute(task, { clock, signal: caller.signal }).catch(() => circuit.state);
  };

  assert.equal(await abortedWith(new Error("enough")), "closed");
  assert.equal(await abortedWith(new DeadlineExceededError(5)), "open");
});

test("a breaker ignores a task that an inner policy rejected", async () => {
  const { clock, circuit } = setUp({ opensWhen: consecutive(1) });

  await circuit.execute(() => Promise.reject(new CircuitOpenError(0)), { clock }).catch(() => undefined);

  assert.equal(circuit.state, "closed");
});

test("a breaker uses the classifier", async () => {
  const clock = fakeClock();
  const circuit = breaker({
    opensWhen: consecutive(1),
    classify: (outcome: { ok: boolean; value?: { status: number } }) =>
      (outcome.value?.status ?? 0) < 500 ? "success" : "failure",
  });

  await circuit.execute(() => ({ status: 404 }), { clock });
  const before = circuit.state;
  await circuit.execute(() => ({ status: 503 }), { clock });

  assert.equal(before, "closed");
  assert.equal(circuit.state, "open");
});

test("a breaker runs another probe after its classifier threw", async () => {
  const broken = new Error("classifier");
  let breaks = false;
  const { clock, circuit } = setUp({
    classify: ({ ok }) => {
      if (breaks) throw broken;
      return ok ? "success" : "failure";
    },
  });
  await fail(circuit, clock, 2);
  await clock.advance(10_000);
  breaks = true;

  await assert.rejects(circuit.execute(up, { clock }), broken);

  breaks = false;
  assert.equal(await circuit.execute(up, { clock }), "up");
  assert.equal(circuit.state, "closed");
});

test("a breaker runs another probe after a listener threw at the half-open event", async () => {
  const thrown = new Error("listener");
  let throws = true;
  const { clock, circuit } = setUp({
    on: ({ type }) => {
      if (throws && type === "half-opened") throw thrown;
    },
  });
  await fail(circuit, clock, 2);
  await clock.advance(10_000);

  await assert.rejects(circuit.execute(up, { clock }), thrown);

  throws = false;
  assert.equal(await circuit.execute(up, { clock }), "up");
});

test("an isolated breaker rejects calls until every handle is released", async () => {
  const { clock, events, circuit } = setUp();
  const first = circuit.isolate();
  const second = circuit.isolate();

  first.release();
  first.release();
  const refused = await circuit.execute(up, { clock }).catch((error: unknown) => error);
  second[Symbol.dispose]();

  assert.ok(refused instanceof CircuitOpenError);
  assert.equal(refused.retryAt, Infinity);
  assert.equal(refused.message, "The circuit is open until it is released");
  assert.equal(await circuit.execute(up, { clock }), "up");
  assert.deepEqual(events, ["opened", "rejected", "closed"]);
});

test("a breaker continues from the snapshot of another process", async () => {
  const { clock, circuit } = setUp();
  await fail(circuit, clock, 2);
  const stored = JSON.parse(JSON.stringify(circuit)) as ReturnType<typeof parseSnapshot>;
  const later = fakeClock({ start: 4_000, autoAdvance: false });

  const second = breaker({ opensWhen: consecutive(2), state: stored });
  const refused = await second.execute(up, { clock: later }).catch((error: unknown) => error);
  await later.advance(7_000);
  const value = await second.execute(up, { clock: later });

  assert.deepEqual(stored, { state: "open", retryAt: 11_000, openings: 1, breakDuration: 10_000 });
  assert.ok(refused instanceof CircuitOpenError && refused.retryAt === 11_000);
  assert.equal(value, "up");
});

test("a restored breaker has its state before its first call", () => {
  const state = { state: "open", retryAt: 11_000, openings: 2, breakDuration: 10_000 } as const;

  const circuit = breaker({ state });

  assert.equal(circuit.state, "open");
  assert.deepEqual(circuit.toJSON(), state);
});

test("a restored breaker stays open for one break at most, also with a wrong date", async () => {
  const clock = fakeClock({ autoAdvance: false });
  const circuit = breaker({ state: { state: "open", retryAt: 1e12, openings: 1, breakDuration: 10_000 } });
  await circuit.execute(up, { clock }).catch(() => undefined);

  await clock.advance(10_000);

  assert.equal(await circuit.execute(up, { clock }), "up");
});

for (const data of [
  null,
  "open",
  { state: "ajar" },
  { state: "open" },
  { state: "open", retryAt: "1", openings: 1, breakDuration: 1 },
]) {
  test(`breaker rejects ${JSON.stringify(data)} as a state`, () => {
    assert.throws(() => parseSnapshot(data), TypeError);
  });
}

test("breaker rejects zero probes", () => {
  assert.throws(() => breaker({ probes: 0 }), RangeError);
});

test("cloneForPlan leaves the circuit unchanged", async () => {
  const { clock, events, circuit } = setUp();

  const rehearsal = circuit.cloneForPlan?.();
  for (let time = 0; time < 3; time += 1) await rehearsal?.execute(down, { clock }).catch(() => undefined);

  assert.equal(circuit.state, "closed");
  assert.deepEqual(events, []);
});
