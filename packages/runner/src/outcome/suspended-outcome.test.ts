import assert from "node:assert/strict";
import { test } from "node:test";
import { getLease } from "../testing/leases.ts";
import { fakeSuspension } from "../testing/scripted-fetcher.ts";
import type { FetchWait } from "./fetcher.ts";
import { findProxyWait } from "./no-proxy.ts";
import { repeatedAttempts, suspendedOutcome, verdictOfSuspension } from "./suspended-outcome.ts";

const limits = { now: 1_000, maxDeferDelay: 50_000 };

const waits: readonly (readonly [
  what: string,
  wait: Partial<FetchWait>,
  newAttempts: number,
  state: readonly [reason: string, until: number],
])[] = [
  ["a back-off", { until: 3_000 }, 1, ["http-503", 3_000]],
  ["a wait that is over", { until: 10 }, 1, ["http-503", 1_001]],
  [
    "a limit of the host before the request was sent",
    { scope: "host", source: "retry-after", until: 9_000 },
    0,
    ["retry-after", 9_000],
  ],
  ["a wait longer than the run allows", { scope: "host", until: 900_000 }, 1, ["http-503", 51_000]],
  [
    "a shortage of proxies, which the pool tells again",
    { scope: "proxy", until: 30_000 },
    1,
    ["http-503", 2_000],
  ],
];

for (const [what, wait, newAttempts, [reason, until]] of waits) {
  test(`a line is deferred for ${what}`, () => {
    const suspension = fakeSuspension(wait, { newAttempts });

    const outcome = suspendedOutcome({ ...getLease, deferrals: 2 }, suspension, limits);

    assert.deepEqual(outcome.state, { at: "deferred", reason, until, deferrals: 2 });
    assert.equal(outcome.exchange?.attempts.length ?? 0, newAttempts);
    assert.equal(outcome.continuation, suspension.continuation);
  });
}

test("a limit of the host says how long the host waits, and a back-off does not", () => {
  const limited = verdictOfSuspension(fakeSuspension({ scope: "host", until: 9_000 }, { newAttempts: 0 }));
  const backOff = verdictOfSuspension(fakeSuspension({ until: 9_000 }));

  assert.deepEqual([limited?.verdict.kind, limited?.retryAt, limited?.attempts], ["throttled", 9_000, []]);
  assert.deepEqual(
    [backOff?.verdict.reason, backOff?.retryAt, backOff?.attempts.length],
    ["http-503", undefined, 1],
  );
});

test("a request that waits for its first proxy has sent nothing, and one that used a proxy has", () => {
  const unsent = fakeSuspension({ scope: "proxy", source: "no-proxy", until: 9_000 }, { newAttempts: 0 });
  const sent = fakeSuspension({ scope: "proxy", source: "no-proxy", until: 9_000 });

  assert.deepEqual(findProxyWait({ ok: false, error: unsent }), { until: 9_000, why: "no-proxy" });
  assert.equal(findProxyWait({ ok: false, error: sent }), undefined);
});

test("the attempts of a continued line are counted once", () => {
  assert.equal(repeatedAttempts({ continuation: { attempts: [{}, {}] } }), 2);
  assert.equal(repeatedAttempts({ continuation: { version: 9 } }), 0);
  assert.equal(repeatedAttempts({}), 0);
});
