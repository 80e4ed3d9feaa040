import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTimeouts, timeoutCheck } from "./timeouts.ts";

test("replaces the given limits and keeps the others", () => {
  const session = resolveTimeouts({ read: "10s", total: "1m" });

  assert.deepEqual(resolveTimeouts({ read: 500 }, session), {
    connect: 5_000,
    read: 500,
    attempt: Infinity,
    total: 60_000,
    wire: Infinity,
    minSpeed: 100,
  });
  assert.equal(resolveTimeouts(undefined, session), session);
});

test("replaces the given proxy limits phase by phase", () => {
  const session = resolveTimeouts({ proxy: { connect: "1s", tunnel: "4s" } });

  assert.deepEqual(resolveTimeouts({ proxy: { tunnel: 500 } }, session).proxy, {
    connect: 1_000,
    tunnel: 500,
  });
  assert.equal(resolveTimeouts({ read: 5 }, session).proxy, session.proxy);
});

const wrong: readonly (readonly [what: string, options: unknown, says: RegExp])[] = [
  [
    "a bare number below 0",
    -5,
    /^ takes a limit of the whole call such as "30s", or limits such as .*, got -5$/,
  ],
  ["an unknown limit", { reed: 5 }, /^ has no option "reed": did you mean read\?$/],
  [
    "an unknown phase of the proxy",
    { proxy: { conect: 5 } },
    /^\.proxy has no option "conect": did you mean connect\?$/,
  ],
  ["a negative limit", { read: -1 }, /^\.read takes milliseconds, more than 0, .*, got -1$/],
  ["a limit of 0", { total: 0 }, /^\.total takes milliseconds, more than 0, .*, got 0$/],
  ["a limit of 0, as a literal", { connect: "0s" }, /^\.connect takes .*, got "0s"$/],
  [
    "a limit of 0 for a phase of the proxy",
    { proxy: { tunnel: "0ms" } },
    /^\.proxy\.tunnel takes .*, got "0ms"$/,
  ],
  ["an invalid literal", { proxy: { tls: "5 seconds" } }, /^\.proxy\.tls takes .*, got "5 seconds"$/],
];

for (const [what, options, says] of wrong) {
  test(`rejects ${what} and names its place`, () => {
    const problem = timeoutCheck(options);

    assert.match(`${problem?.at} ${problem?.says}`, says);
  });
}

test("accepts valid limits", () => {
  assert.equal(timeoutCheck({ connect: 1, read: "1.5s", total: Infinity, proxy: { tls: 5 } }), undefined);
});
