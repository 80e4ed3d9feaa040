import assert from "node:assert/strict";
import { test } from "node:test";
import { CircuitOpenError, DeadlineExceededError } from "../core/errors.ts";
import type { PolicyEvent } from "../core/events.ts";
import { waitExponential } from "../retry/wait.ts";
import { fakeClock } from "../clock/fake-clock.ts";
import { breaker, type Breaker } from "./breaker.ts";
import { parseSnapshot } from "./snapshot.ts";
import { consecutive } from "./tally.ts";

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

test("opens, lets nothing through, then lets a probe through, and closes when that succeeds", async () => {
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

test("passes a failure on as it is", async () => {
  const { clock, circuit } = setUp();
  const error = new Error("mine");

  await assert.rejects(
    circuit.execute(() => Promise.reject(error), { clock }),
    error,
  );
});

test("lets only one probe through at a time", async () => {
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

test("a result of a call that began before the circuit opened does not close or open it", async () => {
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

test("stays open for longer each time a probe fails, where the break grows", async () => {
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

test("ignores a caller's abort, but not a deadline that passed", async () => {
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

test("ignores a task that an inner policy did not run", async () => {
  const { clock, circuit } = setUp({ opensWhen: consecutive(1) });

  await circuit.execute(() => Promise.reject(new CircuitOpenError(0)), { clock }).catch(() => undefined);

  assert.equal(circuit.state, "closed");
});

test("judges results as the classifier says", async () => {
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

test("a classifier that throws gives the probe's place back", async () => {
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

test("a listener that throws when the circuit half-opens gives the probe's place back", async () => {
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

test("isolated, it lets nothing through until every handle is released", async () => {
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

test("is taken up by another process where the first one left it", async () => {
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

test("a restored circuit tells its state before its first call", () => {
  const state = { state: "open", retryAt: 11_000, openings: 2, breakDuration: 10_000 } as const;

  const circuit = breaker({ state });

  assert.equal(circuit.state, "open");
  assert.deepEqual(circuit.toJSON(), state);
});

test("a restored circuit never stays open for longer than its break, whatever the date says", async () => {
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
  test(`refuses ${JSON.stringify(data)} as a state`, () => {
    assert.throws(() => parseSnapshot(data), TypeError);
  });
}

test("refuses a circuit without probes", () => {
  assert.throws(() => breaker({ probes: 0 }), RangeError);
});

test("a rehearsal does not touch the circuit", async () => {
  const { clock, events, circuit } = setUp();

  const rehearsal = circuit.cloneForPlan?.();
  for (let time = 0; time < 3; time += 1) await rehearsal?.execute(down, { clock }).catch(() => undefined);

  assert.equal(circuit.state, "closed");
  assert.deepEqual(events, []);
});
