import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ConnectionError, ReadTimeoutError } from "../errors/transport-errors.ts";
import type { RequestOptions } from "../call/options.ts";
import type { RetryInit } from "../retry/options.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

// A session that asks for more patience in one option never gets less: no earlier end, no fewer attempts, no shorter waits.

const failures = {
  "503": { status: 503 },
  "429": { status: 429, headers: { "retry-after": "5" } },
  "429 for long": { status: 429, headers: { "retry-after": "300" } },
  "418": { status: 418 },
  reset: () => ({
    error: new ConnectionError("reset", { errno: "ECONNRESET", phase: "headers", mayHaveArrived: true }),
  }),
  refused: () => ({
    error: new ConnectionError("refused", { errno: "ECONNREFUSED", phase: "connect", mayHaveArrived: false }),
  }),
  silent: () => ({ error: new ReadTimeoutError("a.test", 1, "headers") }),
} satisfies Readonly<Record<string, ScriptedEntry>>;

type Failure = keyof typeof failures;
const anyFailure = fc.constantFrom(...(Object.keys(failures) as Failure[]));

interface Course {
  readonly isSuccess: boolean;
  readonly requests: number;
  readonly waited: number;
}

interface Situation {
  readonly method: string;
  readonly fails: readonly Failure[];
}

async function courseOf({ method, fails }: Situation, options: RequestOptions): Promise<Course> {
  const { session, adapter, clock } = scripted([...fails.map((name) => failures[name]), {}], {
    random: () => 0.5,
    pacing: false,
  });
  const isSuccess = await session.request(method, "https://a.test/", options).then(
    ({ status }) => status === 200,
    () => false,
  );
  return {
    isSuccess,
    requests: adapter.requests.length,
    waited: clock.sleeps.reduce((sum, one) => sum + one, 0),
  };
}

/** Values of one option, the least patient first; undefined leaves the option out. */
type Ladder = readonly (readonly [
  name: string,
  values: readonly unknown[],
  measures: readonly (keyof Course)[],
])[];

const counts = ["isSuccess", "requests"] as const;
const all = ["isSuccess", "requests", "waited"] as const;
const counterValues = [0, 1, 2, 5, 20, null];

/** Options of `retry`. The value of the default stands where it belongs in the order. */
const retryLadders: Ladder = [
  ["total", [0, 1, 2, undefined, 4, 10, Infinity, null], all],
  ...(["connect", "read", "status", "other"] as const).map(
    (name) => [name, [...counterValues, undefined], all] as const,
  ),
  ["statusForcelist", [null, [503], [429, 503], undefined, [408, 418, 425, 429, 500, 502, 503, 504]], counts],
  ["allowedMethods", [["HEAD"], ["GET", "HEAD"], undefined, null], all],
  ["backoffFactor", [0, "100ms", undefined, "5s", "1m"], all],
  ["backoffMax", [0, "1s", undefined, "10m"], all],
  // "full" has no place in the order: it also adds a random part to the wait that a server asks for.
  ["backoffJitter", [0, "1s", "1m"], all],
  ["fastFirst", [true, undefined], all],
  ["retryAfterMax", [0, "4s", undefined, "1h"], all],
  ["onLongRetryAfter", [undefined, "wait"], all],
  ["raiseOnStatus", [true, undefined, false], counts],
];

const situation: fc.Arbitrary<Situation> = fc.record({
  method: fc.constantFrom("GET", "PUT", "POST"),
  fails: fc.array(anyFailure, { minLength: 1, maxLength: 8 }),
});

/** Other options of the same rule, so that a change is made to many rules and not only to the default. */
const otherOptions: fc.Arbitrary<RetryInit> = fc.record(
  {
    total: fc.constantFrom(0, 2, 5),
    backoffFactor: fc.constantFrom("100ms", "2s"),
    statusForcelist: fc.constantFrom([503], [418, 429, 503]),
    retryAfterMax: fc.constantFrom("1s", "10m"),
  },
  { requiredKeys: [] },
);

function withOption(base: object, name: string, value: unknown): object {
  return value === undefined ? base : { ...base, [name]: value };
}

function assertNotLess(less: Course, more: Course, measures: readonly (keyof Course)[]): void {
  for (const measure of measures) assert.ok(Number(more[measure]) >= Number(less[measure]), measure);
}

for (const [name, values, measures] of retryLadders) {
  test(`more of retry.${name} never gives less`, async () => {
    await fc.assert(
      fc.asyncProperty(
        situation,
        otherOptions,
        fc.tuple(fc.nat(values.length - 1), fc.nat(values.length - 1)),
        async (given, { [name as keyof RetryInit]: _, ...base }, [one, other]) => {
          const [low, high] = [Math.min(one, other), Math.max(one, other)];
          const less = await courseOf(given, { retry: withOption(base, name, values[low]) });
          const more = await courseOf(given, { retry: withOption(base, name, values[high]) });

          assertNotLess(less, more, measures);
        },
      ),
    );
  });
}

const requestLadders: Ladder = [
  ["retry", [false, 1, 2, undefined, 4, { total: 5 }, 10, Infinity], all],
  ["timeout", [1, "1s", "10s", 60_000, { total: "10m" }, undefined, Infinity], all],
  ["idempotencyKey", [undefined, "auto"], all],
];

for (const [name, values, measures] of requestLadders) {
  test(`more of ${name} never gives less`, async () => {
    await fc.assert(
      fc.asyncProperty(
        situation,
        fc.tuple(fc.nat(values.length - 1), fc.nat(values.length - 1)),
        async (given, [one, other]) => {
          const [low, high] = [Math.min(one, other), Math.max(one, other)];
          const less = await courseOf(given, withOption({}, name, values[low]));
          const more = await courseOf(given, withOption({}, name, values[high]));

          assertNotLess(less, more, measures);
        },
      ),
    );
  });
}
