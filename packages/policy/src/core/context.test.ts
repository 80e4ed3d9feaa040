import assert from "node:assert/strict";
import { test } from "node:test";
import { toFirstScope, toScope, type Context } from "./context.ts";
import { fakeClock } from "../clock/fake-clock.ts";

const clock = fakeClock();
const complete = toScope({ clock, deadline: 1_000 }, 1);

test("a complete scope of a first attempt is taken as it is", () => {
  const scope = toFirstScope(complete);

  assert.equal(scope, complete);
});

const incomplete: readonly (readonly [what: string, context: Context])[] = [
  ["a later attempt's scope", toScope({ clock, deadline: 1_000 }, 2)],
  ["a context that names no attempt", { clock, random: complete.random, deadline: 1_000 }],
  ["one with an attempt but no random", Object.assign({ clock, deadline: 1_000 }, { attempt: 1 })],
];

for (const [what, context] of incomplete) {
  test(`${what} is copied, with nothing missing, for attempt 1`, () => {
    const scope = toFirstScope(context);

    assert.notEqual(scope, context);
    assert.deepEqual(
      { ...scope, random: typeof scope.random },
      { signal: undefined, clock, random: "function", deadline: 1_000, on: undefined, attempt: 1 },
    );
  });
}
