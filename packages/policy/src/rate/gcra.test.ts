import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { releaseTurn, reserveTurn, type Rate } from "./gcra.ts";

function startsOf(rate: Rate, arrivals: readonly number[]): readonly number[] {
  let arrival = -Infinity;
  return arrivals.map((now) => {
    const turn = reserveTurn(rate, arrival, now);
    arrival = turn.nextArrival;
    return turn.startsAt;
  });
}

const even: Rate = { interval: 10, burst: 1 };
const bursty: Rate = { interval: 10, burst: 3 };

const table: readonly (readonly [string, Rate, readonly number[], readonly number[]])[] = [
  ["spaces calls evenly", even, [0, 0, 0], [0, 10, 20]],
  ["does not delay calls that are slower than the rate", even, [0, 10, 25], [0, 10, 25]],
  ["accumulates no turns without a burst", even, [0, 100, 100], [0, 100, 110]],
  ["starts a burst immediately, then spaces calls", bursty, [0, 0, 0, 0, 0], [0, 0, 0, 10, 20]],
  ["allows the burst again after a pause", bursty, [0, 0, 0, 30, 30, 30, 30], [0, 0, 0, 30, 30, 30, 40]],
  ["allows one more call per interval", bursty, [0, 0, 0, 10, 10], [0, 0, 0, 10, 20]],
];

for (const [it, rate, arrivals, expected] of table) {
  test(`a rate of one in 10 ms, burst ${rate.burst}, ${it}`, () => {
    assert.deepEqual(startsOf(rate, arrivals), expected);
  });
}

test("releaseTurn releases the latest turn only", () => {
  const first = reserveTurn(even, -Infinity, 0);
  const second = reserveTurn(even, first.nextArrival, 0);

  assert.equal(releaseTurn(even, second.nextArrival, second), first.nextArrival);
  assert.equal(releaseTurn(even, second.nextArrival, first), second.nextArrival);
});

test("no window has more calls than the rate and the burst allow, and calls keep their order", () => {
  const gaps = fc.array(fc.nat({ max: 25 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 6 }), (given, burst) => {
      let now = 0;
      const starts = startsOf(
        { interval: 10, burst },
        given.map((gap) => (now += gap)),
      );

      assert.deepEqual(
        starts,
        starts.toSorted((a, b) => a - b),
      );
      for (const [index, from] of starts.entries()) {
        for (const [further, to] of starts.slice(index).entries()) {
          assert.ok(further + 1 <= burst + (to - from) / 10);
        }
      }
    }),
  );
});
