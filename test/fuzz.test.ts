import assert from "node:assert/strict";
import { test } from "node:test";
import { httpTargets } from "./fuzz/http-targets.ts";
import { listTargets } from "./fuzz/list-targets.ts";
import { fuzz } from "./fuzz/target.ts";

const targets = [...httpTargets, ...listTargets];

for (const target of targets) {
  test(`the parser of ${target.name} handles each seed and mutated inputs`, async () => {
    for (const seed of target.seeds) await target.check(Buffer.from(seed, "latin1"));

    const inputs = await fuzz(target, { milliseconds: 60_000 / targets.length });

    assert.ok(inputs > 0);
  });
}
