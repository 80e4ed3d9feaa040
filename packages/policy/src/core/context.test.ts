import assert from "node:assert/strict";
import { test } from "node:test";
import { toFirstScope, toScope, type Context } from "./context.ts";
import { fakeClock } from "../clock/fake-clock.ts";

const clock = fakeClock();
const complete = toScope({ clock, deadline: 1_000 }, 1);

test("toFirstScope returns a complete scope of a first attempt unchanged", () => {
  const scope = toFirstScope(complete);

  assert.equal(scope, complete);
});

const incomplete: readonly (readonly [name: string, context: Context])[] = [
  ["a later attempt's scope", toScope({ clock, deadline: 1_000 }, 2)],
  ["a context without an attempt", { clock, random: complete.random, deadline: 1_000 }],
  ["a context with an attempt but without random", Object.assign({ clock, deadline: 1_000 }, { attempt: 1 })],
];

for (const [name, context] of incomplete) {
  test(`toFirstScope copies ${name} and fills in defaults`, () => {
    const scope = toFirstScope(context);

    assert.notEqual(scope, context);
    assert.deepEqual(
      { ...scope, random: typeof scope.random },
      { signal: undefined, clock, random: "function", deadline: 1_000, on: undefined, attempt: 1 },
    );
  });
}
