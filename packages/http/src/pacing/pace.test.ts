import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StatedLimit } from "../retry/dialects/dialect.ts";
import { seeded } from "../testing/scripted/seeded.ts";
import {
  bucket,
  fixedWindow,
  simulate,
  slidingLog,
  type SimulatedServer,
} from "../testing/sites/simulated-limit.ts";
import {
  afterAccepted,
  afterSent,
  freePace,
  isPaceExpired,
  nextSendTime,
  afterLimitHit,
  type Load,
  type Pace,
  type LimitHit,
} from "./pace.ts";
import { currentRate } from "./rate.ts";
import { countAccepted, emptyTally } from "./tally.ts";

const refusal: LimitHit = {
  now: 1_000,
  sentAt: 990,
  delay: 5_000,
  isDelayStated: true,
  accepted: false,
  isServerFailure: false,
  hasWaiters: true,
};

function load(inFlight: number, waiting = 1): Load {
  return { inFlight, waiting };
}

function after(count: number, hit: Partial<LimitHit> = {}): Pace {
  let tally = emptyTally(0);
  for (let index = 0; index < count; index += 1) tally = countAccepted(tally, 500);
  const first = { ...refusal, ...hit };
  const alike = [0, 1, 2].map((late) => ({ ...first, sentAt: first.sentAt + late }));
  return alike.reduce(afterLimitHit, freePace(tally));
}

test("no request is delayed before the limit is hit", () => {
  assert.ok(nextSendTime(freePace(emptyTally(0)), 0, load(1_000)) <= 0);
});

test("after a hit no request is sent until the pause is over, and then one after another", () => {
  const pace = after(50);

  assert.equal(nextSendTime(pace, 1_000, load(0)), 6_000);
  const second = nextSendTime(afterSent(pace, 6_000), 6_000, load(1));
  assert.ok(second > 6_000 && second < 6_200, `${second}`);
});

test("the speed is the rate accepted in the window of the limit", () => {
  const { speed } = after(50, { delay: 9_000 });

  // 50 from 0 to the reopening at 10,000, and a little less to begin with.
  assert.equal(speed.at, "holding");
  assert.ok(Math.abs(currentRate(speed, 10_000) * 1_000 - 5 * 0.97) < 0.001);
});

test("a stated limit is kept exactly", () => {
  const { speed } = after(3, { limit: { requests: 10, window: 1_000 } });

  assert.equal(speed.at, "stated");
  assert.ok(currentRate(speed, 6_000) < 0.01);
});

test("a burst of refusals is one hit, and its longest pause counts", () => {
  const first = after(50);

  const again = afterLimitHit(first, { ...refusal, now: 1_010, sentAt: 999, delay: 6_000 });

  const { at } = first.speed;
  assert.deepEqual([again.pausedUntil, again.lastHitAt, again.speed.at], [7_010, first.lastHitAt, at]);
  const unstated = afterLimitHit(first, {
    ...refusal,
    now: 1_010,
    sentAt: 999,
    delay: 9_000,
    isDelayStated: false,
  });
  assert.equal(unstated.pausedUntil, first.pausedUntil);
});

test("after a burst with nothing accepted, one probe is sent before the others", () => {
  const pace = afterSent(after(0), 6_000);

  assert.equal(nextSendTime(pace, 6_000, load(1)), 11_000);
  assert.equal(afterAccepted(pace, 6_100, 6_000).speed.at, "searching");
});

test("sequential requests are not slowed down while no limit is known", () => {
  const searching = afterSent(afterAccepted(afterSent(after(0), 6_000), 6_100, 6_000), 6_200);

  assert.ok(nextSendTime(searching, 6_200, load(0, 0)) <= 6_200);
  assert.ok(nextSendTime(searching, 6_200, load(0, 1)) > 6_200);
});

test("accepted responses after the first refusal of their burst count for the speed", () => {
  const late = afterAccepted(after(9), 1_020, 995);

  assert.ok(currentRate(late.speed, 6_000) > currentRate(after(9).speed, 6_000));
});

test("a client that keeps to a limit is not slowed down at its end", () => {
  const pace = after(10, { delay: 1_000 });

  const last: LimitHit = {
    now: 3_000,
    sentAt: 2_990,
    delay: 1_000,
    isDelayStated: true,
    accepted: true,
    isServerFailure: false,
    hasWaiters: true,
  };

  assert.equal(afterLimitHit(pace, last), pace);
  assert.equal(afterLimitHit(pace, { ...last, delay: 5_000 }).pausedUntil, 8_000);
});

test("a limit that was not hit for a long time expires", () => {
  const pace = afterSent(after(10), 6_000);

  assert.deepEqual([isPaceExpired(pace, 60_000), isPaceExpired(pace, 700_000)], [false, true]);
});

test("no sequence of events ends a pause early or makes an invalid rate", () => {
  const event = fc.record({
    wait: fc.integer({ min: 0, max: 5_000 }),
    kind: fc.constantFrom("leave", "accepted", "refused", "spent"),
    delay: fc.integer({ min: 0, max: 100_000 }),
    isDelayStated: fc.boolean(),
    limit: fc.option(
      fc.record({ requests: fc.integer({ min: 1, max: 1e6 }), window: fc.integer({ min: 1, max: 1e9 }) }),
      {
        nil: undefined,
      },
    ),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let pace = freePace(emptyTally(0));
      let now = 0;
      let sentAt = 0;
      for (const { wait, kind, delay, isDelayStated, limit } of events) {
        now += wait;
        const before = pace;
        if (kind === "leave") {
          const turn = nextSendTime(pace, now, load(0));
          now = Math.max(now, turn);
          sentAt = now;
          pace = afterSent(pace, now);
          assert.ok(nextSendTime(pace, now, load(0)) >= pace.pausedUntil);
        } else if (kind === "accepted") pace = afterAccepted(pace, now, sentAt);
        else
          pace = afterLimitHit(pace, {
            now,
            sentAt,
            delay,
            isDelayStated,
            limit,
            accepted: kind === "spent",
            isServerFailure: isDelayStated,
            hasWaiters: isDelayStated,
          });
        assert.ok(pace.pausedUntil >= before.pausedUntil);
        const rate = currentRate(pace.speed, now);
        assert.ok(
          (rate > 0 && Number.isFinite(nextSendTime(pace, now, load(0)))) || rate === Infinity,
          `${rate}`,
        );
      }
    }),
  );
});

const stated = { requests: 10, window: 1_000 };
const seconds = (ms: number): number => Math.ceil(ms / 1_000) * 1_000;

const servers: readonly (readonly [what: string, make: () => SimulatedServer])[] = [
  [
    "a fixed window and Retry-After",
    () => fixedWindow(stated, (_left, until) => ({ delay: seconds(until) })),
  ],
  ["a sliding window and Retry-After: 1", () => slidingLog(stated, { delay: 1_000 })],
  ["a token bucket of ten and Retry-After: 1", () => bucket(stated, 10, { delay: 1_000 })],
  ["a fixed window, Retry-After: 0", () => fixedWindow(stated, () => ({ delay: 0 }))],
  [
    "RateLimit with its policy",
    () =>
      fixedWindow(stated, (left, until) => ({
        limit: stated,
        spent: left === 0,
        ...(left <= 0 && { delay: seconds(until) }),
      })),
  ],
  [
    "RateLimit without a policy",
    () =>
      fixedWindow(stated, (left, until) => ({
        spent: left === 0,
        ...(left <= 0 && { delay: seconds(until) }),
      })),
  ],
];

for (const [what, make] of servers) {
  test(`a hundred clients use the ten requests per second that a server allows: ${what}`, () => {
    for (const duration of [10, 60, 300]) {
      const { refused, throughput } = simulate(make(), {
        clients: 100,
        seconds: duration,
        random: seeded(duration),
      });

      assert.ok(refused < 0.02, `${(100 * refused).toFixed(1)} % were refused in ${duration} s`);
      assert.ok(throughput >= 9.5, `${throughput.toFixed(2)} a second in ${duration} s`);
    }
  });
}

/** A sliding window whose last allowed response and whose refusals state the next free time, by the clock of the server. */
function slidingUntil({ requests, window }: StatedLimit) {
  return (shown: (instant: number) => number): SimulatedServer => {
    let log: number[] = [];
    return (now) => {
      log = log.filter((at) => at > now - window);
      const ok = log.length < requests;
      if (ok) log.push(now);
      const spent = log.length >= requests;
      return spent ? { ok, spent, delay: shown((log[0] ?? now) + window) - now } : { ok };
    };
  };
}

const unstated: readonly (readonly [
  what: string,
  make: () => SimulatedServer,
  refusedMost: number,
  least: number,
])[] = [
  ["a fixed window", () => fixedWindow(stated, () => ({})), 0.02, 9.5],
  ["a sliding window", () => slidingLog(stated, {}), 0.02, 9.5],
  ["a bucket of ten", () => bucket(stated, 10, {}), 0.025, 9.5],
  ["a bucket of six, as nginx keeps with burst=5", () => bucket(stated, 6, {}), 0.025, 9.3],
  ["a bucket of fifty", () => bucket(stated, 50, {}), 0.02, 9.5],
];

for (const [what, make, refusedMost, least] of unstated) {
  test(`a hundred clients use the limit of a server that states none, with a few more refusals: ${what}`, () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { refused, throughput } = simulate(make(), { clients: 100, seconds: 20, random: seeded(seed) });

      assert.ok(refused <= refusedMost, `${(100 * refused).toFixed(1)} % were refused`);
      assert.ok(throughput >= least, `${throughput.toFixed(2)} a second`);
    }
  });
}

test("a pause until a whole second is imprecise, so that the limit is searched from below", () => {
  const until = slidingUntil(stated);
  const server = until((instant) => Math.ceil((instant + 650) / 1_000) * 1_000 - 650);

  const { refused, throughput } = simulate(server, { clients: 100, seconds: 30, random: seeded(1) });

  assert.ok(refused < 0.02, `${(100 * refused).toFixed(1)} % were refused`);
  assert.ok(throughput > 8.8, `${throughput.toFixed(2)} a second`);
});

/** A server that counts windows from the first request of each, and states nothing. */
function windowFromFirstRequest({ requests, window }: StatedLimit): SimulatedServer {
  let [resetsAt, count] = [-Infinity, 0];
  return (now) => {
    if (now >= resetsAt) [resetsAt, count] = [now + window, 0];
    count += 1;
    return { ok: count <= requests };
  };
}

const longer: readonly (readonly [what: string, make: () => SimulatedServer, least: number])[] = [
  ["20 in 2 s", () => windowFromFirstRequest({ requests: 20, window: 2_000 }), 9.8],
  ["3 in 2 s", () => windowFromFirstRequest({ requests: 3, window: 2_000 }), 1.4],
  ["20 in 2.5 s", () => windowFromFirstRequest({ requests: 20, window: 2_500 }), 7.5],
  ["35 in 7 s", () => windowFromFirstRequest({ requests: 35, window: 7_000 }), 4.5],
  ["100 in 10 s", () => windowFromFirstRequest({ requests: 100, window: 10_000 }), 9.5],
  ["60 in a minute", () => windowFromFirstRequest({ requests: 60, window: 60_000 }), 0.95],
  ["20 in 2 s of the clock", () => fixedWindow({ requests: 20, window: 2_000 }, () => ({})), 9.5],
  ["a sliding window of 20 in 2 s", () => slidingLog({ requests: 20, window: 2_000 }, {}), 9.3],
  ["a sliding window of 50 in 5 s", () => slidingLog({ requests: 50, window: 5_000 }, {}), 9.3],
  ["a bucket of 20, and one more every 2 s", () => bucket({ requests: 1, window: 2_000 }, 20, {}), 0.6],
];

for (const [what, make, least] of longer) {
  test(`the length of a window that is not stated is guessed: ${what}`, () => {
    for (const seed of [1, 2, 3, 4]) {
      const { refused, throughput } = simulate(make(), { clients: 100, seconds: 120, random: seeded(seed) });

      assert.ok(throughput >= least, `${throughput.toFixed(2)} a second`);
      assert.ok(
        refused <= 0.02 || refused * throughput <= 0.5,
        `${(100 * refused).toFixed(1)} % were refused`,
      );
    }
  });
}

test("a guessed window that accepts more than expected raises its limit, and one that accepts less lowers it", () => {
  for (const [before, afterwards] of [
    [5, 20],
    [20, 12],
  ] as const) {
    let time = 0;
    const [first, later] = [before, afterwards].map((requests) =>
      windowFromFirstRequest({ requests, window: 2_000 }),
    );
    const server: SimulatedServer = (now) => ((time = now) < 10_000 ? first : later)?.(now) ?? { ok: true };

    const { throughput } = simulate(server, { clients: 100, seconds: 110, random: seeded(1) });

    const expected = (before * 5 + afterwards * 50) / 110;
    assert.ok(throughput > expected * 0.8, `${throughput} a second until ${time}, ${expected} are possible`);
  }
});

test("an even pace guesses no window", () => {
  assert.equal(after(50, { isDelayStated: false, isEven: true }).speed.at, "searching");
  assert.equal(after(50, { isDelayStated: false }).speed.at, "guessed");
});

test("a long window that is not stated is found between two hits", () => {
  const server = fixedWindow({ requests: 100, window: 10_000 }, () => ({}));

  const { refused, throughput } = simulate(server, { clients: 100, seconds: 120, random: seeded(1) });

  assert.ok(refused < 0.08, `${(100 * refused).toFixed(1)} % were refused`);
  assert.ok(throughput > 8, `${throughput.toFixed(2)} a second`);
});

test("without a stated pause, the pause is two slots, and doubles while nothing is accepted", () => {
  const holding = afterSent(after(10, { delay: 1_000 }), 2_000);
  const [unstated, place] = [{ delay: 60_000, isDelayStated: false }, 1_000 / 9.7];
  const once = afterLimitHit(afterAccepted(holding, 2_050, 2_040), {
    ...refusal,
    now: 2_100,
    sentAt: 2_090,
    ...unstated,
  });
  const twice = afterLimitHit(once, { ...refusal, now: 2_400, sentAt: 2_390, ...unstated });

  assert.ok(Math.abs(once.pausedUntil - 2_100 - 2 * place) < 2, `${once.pausedUntil}`);
  assert.ok(twice.pausedUntil - 2_400 > 3.5 * place, `${twice.pausedUntil}`);
});

test("twenty requests refused for another reason are sent within a second", () => {
  let pace = afterAccepted(afterSent(after(0), 6_000), 6_010, 6_000);
  let now = 6_010;
  for (let left = 19; left > 0; left -= 1) {
    now = Math.max(now, nextSendTime(pace, now, load(1, left)));
    pace = afterSent(pace, now);
  }

  assert.ok(now < 7_000, `${now}`);
});

test("a limit far above the accepted burst is found in a few minutes", () => {
  const server = bucket({ requests: 100, window: 1_000 }, 20, { delay: 1_000 });

  const { refused, throughput } = simulate(server, { clients: 100, seconds: 600, random: seeded(1) });

  assert.ok(refused < 0.02 && throughput > 60, `${throughput.toFixed(1)} a second`);
});

test("a refusal counts as a limit only with further refusals, and fewer later requests accepted", () => {
  const one = afterLimitHit(freePace(emptyTally(0)), refusal);
  const two = after(50);
  const acceptances = [996, 997, 998].reduce((pace, sentAt) => afterAccepted(pace, 1_020, sentAt), two);

  assert.deepEqual([one.speed.at, two.speed.at, acceptances.speed.at], ["reopening", "holding", "reopening"]);
});

test("a client that is slower than the pace, or gets a server failure, keeps its pace", () => {
  const holding = afterAccepted(after(50), 50_000, 49_990);
  const hit = { ...refusal, now: 60_000, sentAt: 59_990 };

  assert.deepEqual(afterLimitHit(holding, { ...hit, hasWaiters: false }).speed, holding.speed);
  const failing = afterLimitHit(holding, { ...hit, isServerFailure: true });
  assert.deepEqual(afterLimitHit(failing, { ...hit, isServerFailure: true }).speed, holding.speed);
});

test("a failure of one resource causes no pause, unless the next request fails, too", () => {
  const free = freePace(emptyTally(0));
  const failure = { ...refusal, isServerFailure: true };
  const once = afterLimitHit(free, failure);

  assert.equal(once.pausedUntil, -Infinity);
  assert.equal(afterLimitHit(once, { ...failure, sentAt: 995 }).pausedUntil, 6_000);
  assert.equal(afterLimitHit(afterAccepted(once, 1_001, 996), failure).pausedUntil, -Infinity);
});

test("a client with a known pace keeps it after a single refusal", () => {
  const holding = afterAccepted(after(50), 50_000, 49_990);
  const stray = afterLimitHit(holding, { ...refusal, now: 60_000, sentAt: 59_990, delay: 1_000 });
  const others = [59_991, 59_992].reduce((pace, sentAt) => afterAccepted(pace, 60_010, sentAt), stray);

  assert.notDeepEqual(stray.speed, holding.speed);
  assert.deepEqual(others.speed, holding.speed);
});
