import assert from "node:assert/strict";
import { test } from "node:test";
import { RetryError, type Wait, waitExponential } from "@holdfast/policy";
import { seededRandom } from "@holdfast/policy/testing";
import * as fc from "fast-check";
import {
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  ReadTimeoutError,
} from "../errors/transport-errors.ts";
import type { RetryEvent } from "./history.ts";
import type { RetryCount, RetryInit } from "./options.ts";
import { Retry } from "./retry.ts";

const url = "https://a.test/";
const refused = new ConnectionError("refused", {
  phase: "connect",
  mayHaveArrived: false,
  errno: "ECONNREFUSED",
});
const silent = new ReadTimeoutError("a.test", 1, "headers");
const broken = new DecodeError("gzip");

const events = {
  connect: { method: "GET", url, error: refused },
  read: { method: "GET", url, error: silent },
  other: { method: "GET", url, error: broken },
  status: { method: "GET", url, response: { status: 503 } },
  redirect: { method: "GET", url, response: { status: 302, redirectLocation: "/next" } },
} satisfies Readonly<Record<string, RetryEvent>>;

type Counter = keyof typeof events;
const counters: readonly Counter[] = ["connect", "read", "other", "status", "redirect"];

function after(retry: Retry, ...counted: readonly Counter[]): Retry {
  return counted.reduce((left, counter) => left.increment(events[counter]), retry);
}

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

test("Retry has urllib3's defaults", () => {
  const { total, connect, read, redirect, status, other, backoffFactor, backoffMax, retryAfterMax } =
    Retry.urllib3();

  assert.deepEqual([total, connect, read, redirect, status, other], [10, null, null, null, null, null]);
  assert.deepEqual([backoffFactor, backoffMax, retryAfterMax], [0, 120_000, 21_600_000]);
});

for (const counter of counters) {
  test(`a ${counter} event takes one from total and one from ${counter}, and leaves the original unchanged`, () => {
    const init = { total: 9, connect: 5, read: 5, other: 5, status: 5, redirect: 5 };
    const retry = Retry.urllib3(init);

    const left = after(retry, counter);

    const { total, connect, read, other, status, redirect } = left;
    assert.deepEqual({ total, connect, read, other, status, redirect }, { ...init, total: 8, [counter]: 4 });
    assert.equal(retry.total, 9);
    assert.deepEqual(retry.history, []);
  });

  test(`gives up when ${counter} is exhausted, with the failure as the cause`, () => {
    const retry = after(Retry.urllib3({ [counter]: 1 }), counter);

    const error = thrownBy(() => after(retry, counter));

    assert.ok(error instanceof RetryError);
    const event: RetryEvent = events[counter];
    if (event.error !== undefined) assert.equal(error.cause, event.error);
    assert.match(error.message, /^Gave up after 2 attempts: /);
  });
}

for (const counter of ["connect", "read"] as const) {
  test(`throws the error unchanged when ${counter} is switched off`, () => {
    assert.equal(
      thrownBy(() => after(Retry.urllib3({ [counter]: false }), counter)),
      events[counter].error,
    );
  });
}

test("throws every error unchanged when total is switched off, and returns redirects", () => {
  const off = Retry.urllib3({ total: false });

  assert.equal(
    thrownBy(() => after(off, "other")),
    broken,
  );
  assert.deepEqual([off.redirect, off.raiseOnRedirect], [0, false]);
});

test("the error names the last response with urllib3's message", () => {
  const none = Retry.urllib3({ total: 0 });
  const causes = ([events.status, events.redirect, { method: "GET", url }] as RetryEvent[]).map(
    (event) => (thrownBy(() => none.increment(event)) as RetryError).cause as Error & { status?: number },
  );

  assert.deepEqual(
    causes.map(({ message, status }) => [message, status]),
    [
      ["too many 503 error responses", 503],
      ["too many redirects", 302],
      ["too many error responses", undefined],
    ],
  );
});

test("a request that may have arrived is repeated only if its method is allowed", () => {
  const post = { method: "POST", url, error: silent };

  assert.equal(
    thrownBy(() => Retry.urllib3().increment(post)),
    silent,
  );
  assert.equal(
    thrownBy(() => Retry.urllib3().increment({ ...post, method: null })),
    silent,
  );
  assert.equal(Retry.urllib3({ allowedMethods: ["POST"] }).increment(post).total, 9);
  assert.equal(Retry.urllib3({ allowedMethods: null }).increment(post).total, 9);
  assert.equal(Retry.urllib3().increment({ ...post, error: refused }).total, 9);
});

test("null means no limit, and true counts as one", () => {
  assert.equal(after(Retry.urllib3({ total: null }), ...Array<Counter>(50).fill("status")).total, null);
  assert.equal(after(Retry.urllib3({ total: true }), "status").total, 0);
});

test("increment keeps the history and passes it on", () => {
  const left = after(Retry.urllib3(), "connect", "redirect", "status").new({ total: 1 });

  assert.deepEqual(left.history, [
    { method: "GET", url, error: refused, status: null, redirectLocation: null },
    { method: "GET", url, error: null, status: 302, redirectLocation: "/next" },
    { method: "GET", url, error: null, status: 503, redirectLocation: null },
  ]);
  assert.equal(left.total, 1);
});

const questions: readonly (readonly [
  init: RetryInit,
  method: string,
  status: number,
  retryAfter: boolean,
  again: boolean,
])[] = [
  [{}, "GET", 503, false, false],
  [{}, "GET", 503, true, true],
  [{}, "GET", 500, true, false],
  [{}, "POST", 503, true, false],
  [{ statusForcelist: [503] }, "GET", 503, false, true],
  [{ statusForcelist: [503] }, "get", 503, false, true],
  [{ statusForcelist: [503] }, "POST", 503, false, false],
  [{ statusForcelist: [503], allowedMethods: false }, "POST", 503, false, true],
  [{ statusForcelist: [503], allowedMethods: [] }, "POST", 503, false, true],
  [{ statusForcelist: [200] }, "GET", 200, false, true],
  [{ respectRetryAfterHeader: false }, "GET", 503, true, false],
  [{ total: 0 }, "GET", 503, true, false],
  [{ total: null }, "GET", 503, true, false],
];

for (const [init, method, status, retryAfter, again] of questions) {
  const header = retryAfter ? " with Retry-After" : "";
  test(`${JSON.stringify(init)} ${again ? "retries" : "does not retry"} ${method} ${status}${header}`, () => {
    assert.equal(Retry.urllib3(init).isRetry(method, status, retryAfter), again);
  });
}

test("the back-off begins after the second failure in a row, doubles, ends at its maximum and restarts after a redirect", () => {
  const retry = Retry.urllib3({ total: null, backoffFactor: "1s", backoffMax: "5s" });
  const paths: readonly (readonly Counter[])[] = [
    [],
    ["status"],
    ["status", "connect"],
    ["status", "connect", "status"],
    ["status", "connect", "status", "other"],
    ["status", "connect", "redirect"],
    ["status", "connect", "redirect", "status", "status"],
  ];

  const delays = paths.map((path) => after(retry, ...path).getBackoffTime());

  assert.deepEqual(delays, [0, 0, 2_000, 4_000, 5_000, 0, 2_000]);
});

test("jitter adds up to its size, and never beyond the maximum", () => {
  const left = after(
    Retry.urllib3({ backoffFactor: "1s", backoffJitter: "500ms", backoffMax: 2_400 }),
    "status",
    "status",
  );

  assert.deepEqual(
    [0, 0.5, 0.99].map((draw) => left.getBackoffTime(() => draw)),
    [2_000, 2_250, 2_400],
  );
});

test("a wait strategy replaces the back-off, from the first failure on", () => {
  const retry = Retry.urllib3({
    wait: waitExponential({ multiplier: "1s" }),
    backoffMax: 1,
    backoffJitter: "1s",
  });

  const delays = [
    after(retry, "status"),
    after(retry, "status", "connect"),
    after(retry, "status", "redirect"),
  ];

  assert.deepEqual(
    delays.map((left) => left.getBackoffTime(seededRandom(1))),
    [1_000, 2_000, 0],
  );
});

test("a back-off of ten thousand failures is still a number", () => {
  const row = { method: "GET", url, error: null, status: 503, redirectLocation: null };
  const history = Array.from({ length: 10_000 }, () => row);

  assert.equal(Retry.urllib3({ history }).getBackoffTime(), 0);
  assert.equal(Retry.urllib3({ history, backoffFactor: 1 }).getBackoffTime(), 120_000);
});

test("Retry-After replaces the back-off, also on a redirect, and is never longer than allowed", () => {
  const retry = after(Retry.urllib3({ backoffFactor: "1s", retryAfterMax: "1m" }), "status", "status");
  const deaf = retry.new({ respectRetryAfterHeader: false });
  const now = 0;

  assert.equal(retry.getSleepTime({ retryAfter: "7" }, now), 7_000);
  assert.equal(retry.getSleepTime({ retryAfter: "3600" }, now), 60_000);
  assert.equal(retry.getSleepTime({ retryAfter: "soon" }, now), 2_000);
  assert.equal(retry.getSleepTime({ retryAfter: "0" }, now), 2_000);
  assert.equal(retry.getSleepTime({}, now), 2_000);
  assert.equal(deaf.getSleepTime({ retryAfter: "7" }, now), 2_000);
  assert.equal(retry.getSleepTime({ retryAfter: "7", redirected: true }, now), 7_000);
  assert.equal(retry.getSleepTime({ retryAfter: "soon", redirected: true }, now), 0);
  assert.equal(deaf.getSleepTime({ retryAfter: "7", redirected: true }, now), 0);
});

test("fromInt accepts a number, a fallback, or the default", () => {
  const six = Retry.urllib3({ total: 6 });

  assert.equal(Retry.fromInt(4).total, 4);
  assert.equal(Retry.fromInt(4, false).redirect, 0);
  assert.equal(Retry.fromInt(null).total, 3);
  assert.equal(Retry.fromInt(null, true, six), six);
  assert.equal(Retry.fromInt(six, false), six);
});

test("header names are lower-cased, and methods are not", () => {
  const retry = Retry.urllib3({ removeHeadersOnRedirect: ["X-Api-Key"], allowedMethods: ["get"] });

  assert.deepEqual([...retry.removeHeadersOnRedirect], ["x-api-key"]);
  assert.equal(retry.isMethodRetryable("GET"), false);
});

test("later changes to the options have no effect", () => {
  const statusForcelist = new Set([503]);
  const retry = Retry.urllib3({ statusForcelist });

  statusForcelist.add(500);

  assert.equal(retry.isRetry("GET", 500), false);
});

const mistakes: readonly RetryInit[] = [
  { total: 1.5 },
  { connect: NaN },
  { backoffMax: -1 },
  { backoffJitter: NaN },
  { backoffFactor: NaN },
  { retryAfterMax: -1 },
];

for (const init of mistakes) {
  test(`Retry rejects ${Object.entries(init).join()}`, () => {
    assert.throws(() => Retry.urllib3(init), RangeError);
  });
}

test("never allows more events than total, and never counts one without taking it from the total", () => {
  const count: fc.Arbitrary<RetryCount> = fc.oneof(fc.constant(null), fc.constant(true), fc.nat(6));
  const init = fc.record({
    total: fc.nat(6),
    connect: count,
    read: count,
    redirect: count,
    status: count,
    other: count,
  });
  const path = fc.array(fc.constantFrom(...counters), { maxLength: 12 });

  fc.assert(
    fc.property(init, path, (settings, events) => {
      let left = Retry.urllib3({ ...settings, backoffFactor: "1s", backoffJitter: "1s" });
      for (const event of events) {
        try {
          left = after(left, event);
        } catch (error) {
          assert.ok(error instanceof RetryError);
          break;
        }
        assert.equal(Number(left.total) + left.history.length, settings.total);
        const delay = left.getBackoffTime(seededRandom(left.history.length));
        assert.ok(delay >= 0 && delay <= left.backoffMax);
      }
      assert.ok(left.history.length <= settings.total);
    }),
  );
});

test("a wait strategy receives the failure", () => {
  const told: unknown[] = [];
  const wait: Wait = ({ number, outcome }) => {
    told.push(number, outcome);
    return 5;
  };

  const delay = after(Retry.urllib3({ wait }), "connect").getBackoffTime();

  assert.equal(delay, 5);
  assert.deepEqual(told, [1, { ok: false, error: refused }]);
});

test("a connect timeout is a failure to connect", () => {
  const left = Retry.urllib3({ connect: 3 }).increment({
    method: "POST",
    url,
    error: new ConnectTimeoutError("a.test", 1),
  });

  assert.equal(left.connect, 2);
});

const asked: readonly (readonly [value: string | null, respected: boolean, delay: number])[] = [
  [null, true, 0],
  ["7", true, 7_000],
  ["7", false, 0],
  ["90000", true, 90_000_000],
  ["soon", true, 0],
  ["-5", true, 0],
];

for (const [value, respected, delay] of asked) {
  test(`a Retry-After of ${value} that is ${respected ? "" : "not "}respected is a delay of ${delay} ms, without a maximum`, () => {
    const retry = Retry.urllib3({ respectRetryAfterHeader: respected, retryAfterMax: "1s" });

    assert.equal(retry.requestedDelay(value, 0), delay);
  });
}
