import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { admit } from "./admission.ts";
import type { HostInput } from "./host-input.ts";
import {
  beginRun,
  failuresToOpen,
  type HostRule,
  type HostState,
  minProbes,
  newHost,
  nextHostState,
  probePauses,
  type Standing,
} from "./host-state.ts";

const rule: HostRule = { perHost: 8, interval: 0, giveUp: 3_600_000 };

/** Inputs at `now`, of requests that were sent at the same time. */
const at = (now: number) =>
  ({
    served: { type: "served", now, sentAt: now, ttfb: 5, inFlight: 1 },
    responded: { type: "responded", now, sentAt: now },
    refused: { type: "refused", now, sentAt: now },
    failed: { type: "failed", now, sentAt: now, path: `/${now}` },
    throttled: { type: "throttled", now, sentAt: now, delay: 0, source: "", isServerFailure: false },
    silent: {
      type: "silent",
      now,
      sentAt: now,
      line: now,
      reason: "refused",
      isReached: false,
      isLast: false,
    },
    unknown: { type: "unknown-name", now, sentAt: now, line: now, othersRespondedAt: -1 },
    nothing: { type: "nothing", now, sentAt: now },
    started: { type: "started", now },
  }) satisfies Readonly<Record<string, HostInput>>;

type Name = keyof ReturnType<typeof at>;

/** Applies inputs one after the other, one in a millisecond, from 1. */
function apply(names: readonly Name[], state = newHost, from = 1): HostState {
  return names.reduce((before, name, index) => nextHostState(before, at(from + index)[name], rule), state);
}

const times = (count: number, ...names: readonly Name[]): Name[] =>
  Array.from({ length: count }, () => names).flat();

function describeStanding(standing: Standing): string {
  if (standing.at === "parked") return `parked until ${standing.until}`;
  if (standing.at === "serving") return "serving";
  if (standing.at === "gone") return `gone: ${standing.reason}`;
  return `${standing.at}, ${standing.probes} probes, next at ${standing.probeAt}`;
}

describe("the state of a host", () => {
  const table: readonly (readonly [string, readonly Name[], string])[] = [
    ["serves at first", [], "serving"],
    ["serves after any response", ["served", "responded", "refused", "failed"], "serving"],
    ["is parked by a 429 that names no time", ["throttled"], "parked until 1001"],
    ["serves after two attempts without a response", ["silent", "silent"], "serving"],
    ["is silent after three", times(3, "silent"), "silent, 0 probes, next at 1003"],
    ["counts only attempts in a row", ["silent", "silent", "responded", "silent"], "serving"],
    ["has a probe in flight", [...times(3, "silent"), "started"], "silent, 0 probes, next at 1003"],
    [
      "waits longer after a silent probe",
      [...times(3, "silent"), "started", "silent"],
      "silent, 1 probes, next at 2005",
    ],
    ["serves after a probe with a response", [...times(3, "silent"), "started", "served"], "serving"],
    [
      "is parked by a probe that is limited",
      [...times(3, "silent"), "started", "throttled"],
      "parked until 1005",
    ],
    ["ignores late failures of requests from before", times(7, "silent"), "silent, 0 probes, next at 1003"],
    [
      "ignores late responses from before",
      [...times(3, "silent"), "served"],
      "silent, 0 probes, next at 1003",
    ],
    [
      "is probed again after a probe without evidence",
      [...times(3, "silent"), "started", "nothing"],
      "silent, 0 probes, next at 1005",
    ],
    ["is silent as soon as its name is unknown", ["unknown"], "silent, 0 probes, next at 1001"],
    ["serves after four refusals", ["served", ...times(4, "refused")], "serving"],
    [
      "refuses after five, if it has served before",
      ["served", ...times(5, "refused")],
      "refusing, 0 probes, next at 60006",
    ],
    ["serves after nineteen refusals, if it never has", times(19, "refused"), "serving"],
    ["refuses after twenty", times(20, "refused"), "refusing, 0 probes, next at 60020"],
    [
      "is probed after five minutes the second time",
      [...times(20, "refused"), "started", "refused"],
      "refusing, 1 probes, next at 300022",
    ],
    [
      "serves when a refused page is followed by a good one",
      ["served", ...times(4, "refused"), "served", "refused"],
      "serving",
    ],
    ["serves after nineteen failures", times(19, "failed"), "serving"],
    ["fails after twenty on different paths", times(20, "failed"), "failing, 0 probes, next at 5020"],
    [
      "counts failures in a row only",
      [...times(19, "failed"), "responded", ...times(19, "failed")],
      "serving",
    ],
  ];

  for (const [title, names, expected] of table)
    it(title, () => {
      assert.equal(describeStanding(apply(names).standing), expected);
    });

  it("serves after many failures of one path: that line ends by its own attempts", () => {
    const one = { ...at(1).failed, path: "/broken" };

    const state = Array.from({ length: 3 * failuresToOpen.responses }).reduce<HostState>(
      (before) => nextHostState(before, one, rule),
      newHost,
    );

    assert.equal(state.standing.at, "serving");
  });

  it("is silent after one line that nothing but failed connections has ended", () => {
    const last = { ...at(2).silent, isLast: true };

    const [refused, reset] = [last, { ...last, isReached: true }].map((input) =>
      nextHostState(apply(["served"]), input, rule),
    );

    assert.deepEqual([refused?.standing.at, reset?.standing.at], ["silent", "serving"]);
  });

  it("serves after many resets of one line, if it has served others", () => {
    const reset = { ...at(2).silent, line: 7, isReached: true };
    const served = apply(["served"]);

    const one = [1, 2, 3, 4].reduce((state) => nextHostState(state, reset, rule), served);
    const two = nextHostState(one, { ...reset, line: 8 }, rule);

    assert.deepEqual([one.standing.at, two.standing.at], ["serving", "silent"]);
  });
});

describe("a host that is silent", () => {
  /** Lets every probe fail, until `end`. */
  function probe(
    state: HostState,
    end: number,
  ): readonly { readonly at: number; readonly state: HostState }[] {
    const steps = [];
    for (let last = state; last.standing.at === "silent";) {
      const now = last.standing.probeAt;
      if (now > end) break;
      last = apply(["started"], last, now);
      last = nextHostState(last, { ...at(now).silent, now: now + 1 }, rule);
      steps.push({ at: now, state: last });
    }
    return steps;
  }

  it("is found again within a minute, and then begins with one request", () => {
    const probes = probe(apply(times(3, "silent")), 70_000);

    const gaps = probes.map(({ at: time }, index) => time - (probes[index - 1]?.at ?? 0));
    assert.deepEqual(
      gaps.slice(0, 3).map((gap) => Math.round(gap / 1_000)),
      [1, 2, 4],
    );
    assert.ok(Math.max(...gaps) <= 30_001, String(gaps));
    const back = apply(["started", "served"], probes.at(-1)?.state, 90_000);
    assert.deepEqual(
      [back.standing.at, back.silence, Math.floor(back.pace.limit)],
      ["serving", undefined, 2],
    );
  });

  it("is given up after giveUp and at least five probes", () => {
    const last = probe(apply(times(3, "silent")), Infinity).at(-1);

    assert.deepEqual(last?.state.standing, { at: "gone", reason: "host-down" });
    assert.ok((last?.at ?? 0) >= rule.giveUp);
  });

  it("is not given up before its fifth probe, however long ago the first failure was", () => {
    const silent = apply(times(3, "silent"));
    assert.ok(silent.silence !== undefined);
    const old = { ...silent, silence: { ...silent.silence, since: -1e9 } };
    const probes = probe(old, Infinity);

    assert.equal(probes.length, minProbes);
  });

  it("keeps the time of its first failure over runs, and gets a probe when a run begins", () => {
    const down = apply(times(3, "silent"));

    const next = beginRun(JSON.parse(JSON.stringify(down)), 500);

    assert.deepEqual(
      [next.silence?.since, describeStanding(next.standing)],
      [1, "silent, 0 probes, next at 500"],
    );
  });

  it("gets one probe in the next run after it was given up", () => {
    const gone = probe(apply(times(3, "silent")), Infinity).at(-1)?.state ?? newHost;

    const next = apply(["started", "silent"], beginRun(gone, 1e9), 1e9);

    assert.equal(next.standing.at, "gone");
  });

  it("is given up immediately when its name is unknown again and another name responded in between", () => {
    const first = apply(["unknown"]);
    const probed = apply(["started"], first, 1_001);
    const again = (othersRespondedAt: number) =>
      nextHostState(probed, { ...at(1_001).unknown, othersRespondedAt }, rule).standing;

    assert.deepEqual([again(500), again(0).at], [{ at: "gone", reason: "dns" }, "silent"]);
  });
});

// The traps of a crawler that kept one time for all waits (apify/crawlee-python issue 2125).
describe("a host that asks to slow down", () => {
  it("takes one burst of refusals as one event", () => {
    const burst = Array.from({ length: 8 }, (_, index) => ({ ...at(10 + index).throttled, sentAt: 5 }));

    const state = burst.reduce<HostState>((before, input) => nextHostState(before, input, rule), newHost);

    assert.deepEqual([state.standing, state.backOff?.level], [{ at: "parked", until: 1_010, source: "" }, 1]);
  });

  it("backs off twice as long when the next request is refused, also after Retry-After: 0", () => {
    const first = nextHostState(newHost, { ...at(10).throttled, delay: 0 }, rule);
    const second = nextHostState(first, at(1_010).throttled, rule);
    const muchLater = nextHostState(second, at(60_000).throttled, rule);

    assert.deepEqual(
      [first, second, muchLater].map(({ standing }) => describeStanding(standing)),
      ["parked until 1010", "parked until 3010", "parked until 61000"],
    );
  });

  it("is parked although the user's own delay has it wait already", () => {
    const slow = { ...rule, interval: 10_000 };
    const started = nextHostState(newHost, at(0).started, slow);

    const state = nextHostState(started, { ...at(5).throttled, delay: 30_000 }, slow);

    assert.deepEqual(
      [started, state].map((each) => admit(each, 6, { inFlight: 0, perHost: 8 })),
      [
        { at: "wait", until: 10_000 },
        { at: "wait", until: 30_005 },
      ],
    );
  });

  it("keeps the longest pause of a burst, and keeps it over runs", () => {
    const state = [5_000, 60_000, 1_000].reduce<HostState>(
      (before, delay) => nextHostState(before, { ...at(10).throttled, sentAt: 1, delay }, rule),
      newHost,
    );

    assert.equal(describeStanding(beginRun(state, 20).standing), "parked until 60010");
  });

  it("is parked by the second 503 in a row that asks to wait: the first may concern one page", () => {
    const busy = { ...at(5).throttled, delay: 9_000, isServerFailure: true };

    const [first, second] = [1, 2].map((count) =>
      Array.from({ length: count }).reduce<HostState>((state) => nextHostState(state, busy, rule), newHost),
    );

    assert.deepEqual([first?.standing.at, second?.standing.at], ["serving", "parked"]);
  });
});

const inputs: fc.Arbitrary<readonly (readonly [Name, number])[]> = fc.array(
  fc.tuple(
    fc.constantFrom<Name>(
      "served",
      "responded",
      "refused",
      "failed",
      "throttled",
      "silent",
      "unknown",
      "nothing",
      "started",
    ),
    fc.integer({ min: 0, max: 100_000 }),
  ),
  { maxLength: 60 },
);

it("a host keeps its invariants after any inputs", () => {
  fc.assert(
    fc.property(inputs, (sequence) => {
      let now = 1;
      let state = newHost;
      for (const [name, step] of sequence) {
        now += step;
        const before = state;
        if (name === "started" && admit(state, now, { inFlight: 0, perHost: 8 }).at !== "start") continue;
        state = nextHostState(state, at(now)[name], rule);
        assert.ok(state.pace.limit >= 1 && state.pace.limit <= Math.max(rule.perHost, 1));
        // Plain data: what the ledger reads is what was written.
        assert.deepEqual(
          JSON.parse(JSON.stringify(state)),
          JSON.parse(JSON.stringify(structuredClone(state))),
        );
        // Only silence ends lines, and only a response of its own reopens a circuit.
        if (state.standing.at === "gone")
          assert.ok(before.standing.at === "gone" || name === "silent" || name === "unknown");
        if (name === "started" && "probing" in state.standing && state.standing.probing !== undefined)
          assert.equal(admit(state, now, { inFlight: 1, perHost: 8 }).at, "full");
      }
    }),
  );
});

it("the pauses between probes grow", () => {
  for (const pauses of Object.values(probePauses))
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
    );
});
