import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { parseRetryAfter } from "./retry-after.ts";

const now = Date.UTC(2019, 5, 3, 11);
const century = 100 * 365 * 86_400_000;

const understood: readonly (readonly [value: string, delay: number])[] = [
  ["0", 0],
  ["007", 7_000],
  [" 120\t", 120_000],
  ["0.4", 400],
  ["2.0", 2_000],
  ["9".repeat(5_000), century],
  ["Mon, 03 Jun 2019 11:00:30 GMT", 30_000],
  ["Monday, 03-Jun-19 11:00:30 GMT", 30_000],
  ["Mon Jun  3 11:00:30 2019", 30_000],
  ["Mnoday, 03 Jun 2019 11:00:30 GMT", 30_000],
  ["Mon, 03 Jun 2019 10:59:59 GMT", 0],
  ["Fri, 31 Dec 9999 23:59:59 GMT", century],
  ["2019-06-03T11:00:30Z", 30_000],
  ["2019-06-03T11:00:30.5Z", 30_500],
  ["2019-06-03T13:01+02:00", 60_000],
  ["2019-06-03T10:59:59Z", 0],
  [String(now / 1_000 + 30), 30_000],
  [`${now / 1_000 + 30}.25`, 30_250],
  [String(now / 1_000 + 86_400), 86_400_000],
  [String(now / 1_000 - 30), 0],
  // Milliseconds since 1970 are not an instant.
  [String(now + 30_000), century],
  // A value of more than a day is read in seconds, as the standard defines.
  [String(now / 1_000 + 86_401), (now / 1_000 + 86_401) * 1_000],
  ["1000000000", 1e12],
];

for (const [value, delay] of understood) {
  test(`reads ${JSON.stringify(value.slice(0, 40))} as ${delay} ms`, () => {
    assert.deepEqual(parseRetryAfter(value, now), { delay, source: "retry-after" });
  });
}

const misread = [
  "",
  " ",
  "-5",
  "+1",
  "- 5",
  "1e3",
  "0x10",
  "5s",
  "NaN",
  "Infinity",
  "soon",
  "１２",
  "5.",
  ".5",
  "2019-06-03",
  "2019-06-03T11:00:30",
  "2019-06-03T25:00:30Z",
  // Parts of a date that do not make one.
  "Mon, 14",
  "Mon, 03 Jun 2019, 14",
  "Mon, 14, Jun",
  "Monday, , 14 Jun",
  "14, Mon",
  "03 Jun, 14",
  "soon, 14",
  "14, soon",
  ",",
];

for (const value of misread) {
  test(`ignores the invalid value ${JSON.stringify(value)}`, () => {
    assert.equal(parseRetryAfter(value, now), undefined);
  });
}

test("uses the longest of several values", () => {
  assert.equal(parseRetryAfter("1, 2", now)?.delay, 2_000);
  assert.equal(parseRetryAfter("60, ,30,", now)?.delay, 60_000);
  assert.equal(parseRetryAfter("60, Monday, 03-Jun-19 11:00:30 GMT", now)?.delay, 60_000);
  assert.equal(
    parseRetryAfter("Mon, 03 Jun 2019 11:00:10 GMT, Mon, 03 Jun 2019 11:00:05 GMT", now)?.delay,
    10_000,
  );
});

test("the time zone of the machine is not used", () => {
  const zone = process.env["TZ"];
  try {
    process.env["TZ"] = "Pacific/Kiritimati";

    assert.equal(parseRetryAfter("Mon Jun  3 11:00:30 2019", now)?.delay, 30_000);
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
});

test("no value throws, or returns a delay below 0 or beyond a century", () => {
  const words = fc.constantFrom(
    "Mon,",
    "Monday,",
    "03",
    "31",
    "Feb",
    "-Jun-",
    "19",
    "2019",
    "11:00:00",
    "GMT",
    "+0200",
    ",",
    " ",
    "-",
    ".",
    "9",
  );
  const dateLike = fc.array(words, { maxLength: 12 }).map((parts) => parts.join(" "));
  const values = fc.oneof(
    fc.string({ unit: "binary" }),
    dateLike,
    fc.double().map(String),
    fc.bigInt().map(String),
  );
  const instants = fc.integer({ min: -8.64e15, max: 8.64e15 });

  fc.assert(
    fc.property(values, instants, (value, at) => {
      const delay = parseRetryAfter(value, at)?.delay ?? 0;
      assert.ok(delay >= 0 && delay <= century, `${value} gave ${delay}`);
    }),
    { numRuns: 2_000 },
  );
});
