import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { listenToInterrupts, nextInterrupt } from "./interrupts.ts";
import type { InterruptStage, InterruptState } from "./interrupts.ts";

test("each signal starts the next stage, a duplicate within 300 ms does not", () => {
  const rows: readonly (readonly [InterruptState, number, InterruptStage])[] = [
    [{ stage: "none", receivedAt: -Infinity }, 0, "drain"],
    [{ stage: "drain", receivedAt: 0 }, 10, "drain"],
    [{ stage: "drain", receivedAt: 0 }, 299, "drain"],
    [{ stage: "drain", receivedAt: 0 }, 300, "abort"],
    [{ stage: "abort", receivedAt: 300 }, 301, "abort"],
    [{ stage: "abort", receivedAt: 300 }, 700, "exit"],
    [{ stage: "exit", receivedAt: 700 }, 2_000, "exit"],
  ];

  for (const [state, now, stage] of rows)
    assert.deepEqual(nextInterrupt(state, now), { stage, receivedAt: now });
});

test("the first signal drains, the second aborts, and a disposed listener ignores signals", () => {
  const source = new EventEmitter();
  const stages: InterruptStage[] = [];
  let now = 0;
  const interrupts = listenToInterrupts(source, {
    clock: { now: () => now },
    hasTerminal: false,
    onStage: (stage) => stages.push(stage),
  });

  source.emit("SIGINT");
  assert.deepEqual([interrupts.drain.aborted, interrupts.abort.aborted], [true, false]);
  now = 5;
  source.emit("SIGTERM");
  assert.equal(interrupts.abort.aborted, false);
  now = 1_000;
  source.emit("SIGTERM");
  assert.equal(interrupts.abort.aborted, true);
  interrupts[Symbol.dispose]();
  now = 5_000;
  source.emit("SIGINT");

  assert.deepEqual(stages, ["drain", "abort"]);
  assert.equal(source.listenerCount("SIGINT") + source.listenerCount("SIGTERM"), 0);
});

test("a hangup drains a process with a terminal, and not another one", () => {
  for (const hasTerminal of [true, false]) {
    const source = new EventEmitter();
    const onStage = (): void => undefined;
    using interrupts = listenToInterrupts(source, { clock: { now: () => 0 }, hasTerminal, onStage });

    source.emit("SIGHUP");

    assert.equal(interrupts.drain.aborted, hasTerminal);
  }
});
