import assert from "node:assert/strict";
import { test } from "node:test";
import { playLimiter, shortcoming } from "./limiters/play.ts";
import { limiters } from "./limiters/servers.mjs";

// A busy machine may delay a whole run, so the best of three counts.
const tries = 3;
const atOnce = 3;

test(
  "a hundred calls at once are as fast as the limiters of Node servers allow",
  { concurrency: atOnce },
  async (t) => {
    await Promise.all(Object.keys(limiters).map((name) => t.test(name, () => assertFast(name))));
  },
);

async function assertFast(name: string): Promise<void> {
  let lacks: string | undefined;
  for (let count = 0; count < tries; count += 1) {
    lacks = shortcoming(await playLimiter(name));
    if (lacks === undefined) return;
  }
  assert.fail(lacks);
}
