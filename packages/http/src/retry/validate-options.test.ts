import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { sessionDefaults } from "../session/defaults.ts";
import type { RetryInit } from "./options.ts";
import { Retry } from "./retry.ts";

const nobody: never[] = [];
const counts = "takes a whole number, Infinity, true, false or null, got";
const durations = 'takes milliseconds, 0 or more, or a string such as "30s", got';

const wrong: readonly (readonly [init: unknown, message: string])[] = [
  [5, "Retry takes { total, connect, read, "],
  ["x", "Retry takes { total, connect, read, "],
  [nobody, "Retry takes { total, connect, read, "],
  [null, "Retry takes { total, connect, read, "],
  [{ backoff_factor: 1 }, 'Retry has no option "backoff_factor": did you mean backoffFactor?'],
  [{ totl: 3 }, 'Retry has no option "totl": did you mean total?'],
  [{ over: "defer" }, 'Retry has no option "over": did you mean onLongRetryAfter?'],
  [{ backoff: 1 }, 'Retry has no option "backoff": did you mean backoffFactor?'],
  [{ colour: 1 }, 'Retry has no option "colour": it has total, connect, '],
  [{ total: "3" }, `Retry.total ${counts} "3"`],
  [{ total: {} }, `Retry.total ${counts} an object`],
  [{ total: NaN }, `Retry.total ${counts} NaN`],
  [{ connect: "x" }, `Retry.connect ${counts} "x"`],
  [{ read: 1.5 }, `Retry.read ${counts} 1.5`],
  [{ redirect: NaN }, `Retry.redirect ${counts} NaN`],
  [{ status: [] }, `Retry.status ${counts} a list`],
  [{ other: -Infinity }, `Retry.other ${counts} -Infinity`],
  [
    { allowedMethods: "GET" },
    'Retry.allowedMethods takes a list of methods such as ["GET"], or null for all, got "GET"',
  ],
  [{ allowedMethods: 5 }, "Retry.allowedMethods takes a list of methods "],
  [{ allowedMethods: true }, "Retry.allowedMethods takes a list of methods "],
  [{ allowedMethods: [1] }, 'Retry.allowedMethods takes methods such as "GET", got 1'],
  [{ allowedMethods: ["G ET"] }, 'Retry.allowedMethods takes methods such as "GET", got "G ET"'],
  [
    { statusForcelist: 503 },
    "Retry.statusForcelist takes a list of statuses such as [503], or null, got 503",
  ],
  [
    { statusForcelist: "503" },
    'Retry.statusForcelist takes a list of statuses such as [503], or null, got "503"',
  ],
  [{ statusForcelist: ["503"] }, 'Retry.statusForcelist takes statuses from 100 to 999, got "503"'],
  [{ statusForcelist: [NaN] }, "Retry.statusForcelist takes statuses from 100 to 999, got NaN"],
  [{ statusForcelist: [5030] }, "Retry.statusForcelist takes statuses from 100 to 999, got 5030"],
  [{ backoffFactor: NaN }, `Retry.backoffFactor ${durations} NaN`],
  [{ backoffFactor: "1 parsec" }, `Retry.backoffFactor ${durations} "1 parsec"`],
  [{ backoffFactor: "-1s" }, `Retry.backoffFactor ${durations} "-1s"`],
  [{ backoffFactor: null }, `Retry.backoffFactor ${durations} null`],
  [{ backoffMax: -1 }, `Retry.backoffMax ${durations} -1`],
  [
    { backoffJitter: -5 },
    'Retry.backoffJitter takes "full", milliseconds, 0 or more, or a string such as "1s", got -5',
  ],
  [{ retryAfterMax: null }, `Retry.retryAfterMax ${durations} null`],
  [{ wait: 5 }, 'Retry.wait takes a function, such as waitFixed("1s"), or null for none, got 5'],
  [{ wait: "1s" }, 'Retry.wait takes a function, such as waitFixed("1s"), or null for none, got "1s"'],
  [
    { when: 5 },
    "Retry.when takes a function, such as ({ response }) => response?.status === 404, or null for none, got 5",
  ],
  [{ raiseOnStatus: "no" }, 'Retry.raiseOnStatus takes true or false, got "no"'],
  [{ raiseOnRedirect: 0 }, "Retry.raiseOnRedirect takes true or false, got 0"],
  [{ respectRetryAfterHeader: "false" }, 'Retry.respectRetryAfterHeader takes true or false, got "false"'],
  [{ onLongRetryAfter: "never" }, 'Retry.onLongRetryAfter takes "fail", "wait" or "defer", got "never"'],
  [{ dialects: "github" }, 'Retry.dialects takes a list of dialects such as [...dialects], got "github"'],
  [{ dialects: [5] }, "Retry.dialects[0] takes a function, got 5"],
  [
    { removeHeadersOnRedirect: "Cookie" },
    'Retry.removeHeadersOnRedirect takes a list of headers such as ["X-Api-Key"], got "Cookie"',
  ],
  [{ removeHeadersOnRedirect: [5] }, "Retry.removeHeadersOnRedirect takes the name of a header, got 5"],
  [
    { removeHeadersOnRedirect: ["a b"] },
    'Retry.removeHeadersOnRedirect takes the name of a header, got "a b"',
  ],
  [{ history: 5 }, "Retry.history takes a list, got 5"],
  [{ history: [5] }, "Retry.history[0] takes an entry of a history, got 5"],
];

for (const [init, message] of wrong) {
  test(`Retry rejects the options ${JSON.stringify(init)} with a reason`, () => {
    const begins = (error: unknown): boolean =>
      (error instanceof TypeError || error instanceof RangeError) && error.message.startsWith(message);

    assert.throws(() => new Retry(init as RetryInit), begins);
    assert.throws(() => new Retry().new(init as RetryInit), begins);
  });
}

test("Retry throws a RangeError for a value out of range, and a TypeError for a value of another type", () => {
  for (const init of [{ total: NaN }, { backoffMax: -1 }, { statusForcelist: [5030] }])
    assert.throws(() => new Retry(init), RangeError);
  for (const total of ["3", {}] as unknown[])
    assert.throws(() => new Retry({ total } as RetryInit), TypeError);
});

test("Retry accepts the values of urllib3: booleans, null, negative numbers, and one-shot iterables", () => {
  const retry = new Retry({
    total: -1,
    connect: null,
    read: false,
    other: true,
    status: Infinity,
    backoffFactor: -1,
    allowedMethods: ["GET", "PURGE"].values(),
    statusForcelist: new Set([429]),
  });

  assert.deepEqual([...(retry.allowedMethods ?? [])], ["GET", "PURGE"]);
  assert.ok(retry.isExhausted());
});

test("the types reject a string as a list of names", () => {
  // @ts-expect-error -- A string is an iterable of its letters.
  assert.throws(() => new Retry({ allowedMethods: "GET" }));
  // @ts-expect-error -- A string is an iterable of its letters.
  assert.throws(() => new Retry({ removeHeadersOnRedirect: "Cookie" }));
});

// Immutability

test("a Retry, its sets and its lists are immutable", () => {
  const retry = new Retry({ total: 5, statusForcelist: [503] });
  const changes: readonly (() => unknown)[] = [
    () => Object.assign(retry, { total: 99 }),
    () => (retry.allowedMethods as Set<string>).add("POST"),
    () => (retry.statusForcelist as Set<number>).add(200),
    () => (retry.removeHeadersOnRedirect as Set<string>).clear(),
    () => (Retry.defaultAllowedMethods as Set<string>).delete("GET"),
    () => (Retry.retryAfterStatusCodes as Set<number>).add(500),
    () => (Retry.defaultRemoveHeadersOnRedirect as Set<string>).delete("cookie"),
    () => (retry.history as unknown[]).push({}),
    () => (retry.dialects as unknown[]).pop(),
    () => Object.assign(Retry, { default: retry }),
    () => Object.assign(sessionDefaults, { maxRedirects: 1 }),
    () => Object.assign(sessionDefaults.headers, { accept: "x" }),
    () => Object.assign(sessionDefaults.budget, { ratio: 9 }),
  ];

  for (const change of changes) assert.throws(change, TypeError);

  assert.equal(retry.total, 5);
  assert.equal(new Retry({ statusForcelist: [503] }).isRetry("POST", 503), false);
  assert.equal(sessionDefaults.retry.isRetry("POST", 503), false);
});

test("Retry copies the caller's lists", () => {
  const [history, statuses] = [[] as never[], new Set([503])];
  const retry = new Retry({ history, statusForcelist: statuses });

  history.push(...([{}] as never[]));
  statuses.add(200);

  assert.deepEqual([retry.history.length, retry.statusForcelist.has(200)], [0, false]);
});

test("new() keeps undefined options, and null removes a strategy", () => {
  const retry = new Retry({
    total: 3,
    backoffMax: "1s",
    allowedMethods: null,
    wait: () => 1,
    when: () => true,
  });

  const same = retry.new({
    total: undefined,
    backoffMax: undefined,
    allowedMethods: undefined,
    wait: undefined,
  });
  const without = retry.new({ wait: null, when: null });

  assert.ok(isDeepStrictEqual(same, retry));
  assert.deepEqual([without.total, without.wait, without.when], [3, undefined, undefined]);
});

for (const gave of [NaN, -5, "1s", undefined]) {
  test(`a wait strategy that returns ${String(gave)} is rejected when it is called`, () => {
    const retry = new Retry({ wait: () => gave as number }).increment({
      method: "GET",
      url: "/",
      response: { status: 503 },
    });

    assert.throws(
      () => retry.getBackoffTime(),
      /^RangeError: Retry\.wait must return milliseconds, 0 or more, but returned /,
    );
  });
}
