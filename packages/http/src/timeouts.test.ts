import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTimeouts, type TimeoutOptions } from "./timeouts.ts";

test("lays limits over others, and leaves what is not given", () => {
  const session = resolveTimeouts({ read: "10s", total: "1m" });

  assert.deepEqual(resolveTimeouts({ read: 500 }, session), {
    connect: 5_000,
    read: 500,
    attempt: Infinity,
    total: 60_000,
  });
  assert.equal(resolveTimeouts(undefined, session), session);
});

test("lays the limits of a proxy over others, leg by leg", () => {
  const session = resolveTimeouts({ proxy: { connect: "1s", tunnel: "4s" } });

  assert.deepEqual(resolveTimeouts({ proxy: { tunnel: 500 } }, session).proxy, {
    connect: 1_000,
    tunnel: 500,
  });
  assert.equal(resolveTimeouts({ read: 5 }, session).proxy, session.proxy);
});

const wrong: readonly (readonly [what: string, options: unknown, message: RegExp])[] = [
  ["a bare number", 5, /timeout takes \{ connect, read, attempt, total, proxy \}, got 5/],
  ["a name that is none", { reed: 5 }, /no limit named "reed"/],
  ["a leg that is none", { proxy: { conect: 5 } }, /timeout.proxy has no limit named "conect"/],
  ["a negative limit", { read: -1 }, /0 or more/],
  ["no time at all", { total: 0 }, /timeout.total must be more than 0; Infinity is no limit/],
  ["no time at all, as a literal", { connect: "0s" }, /timeout.connect must be more than 0/],
  ["no time for a leg", { proxy: { tunnel: "0ms" } }, /timeout.proxy.tunnel must be more than 0/],
  ["a literal that is none", { read: "5 seconds" }, /"5 seconds"/],
];

for (const [what, options, message] of wrong) {
  test(`refuses ${what}`, () => {
    assert.throws(() => resolveTimeouts(options as TimeoutOptions), message);
  });
}
