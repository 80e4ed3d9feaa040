import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideOutcome } from "./decide-outcome.ts";
import type { FetchResult } from "./fetch-job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";
import { defaultInput, failedState, getLease, postLease, exampleUrl } from "../testing/leases.ts";
import { fakeResponse, fakeFailure } from "../testing/scripted-fetcher.ts";

const proxied = { ...defaultInput, proxied: true };

const blocked: FetchResult = {
  ok: true,
  response: {
    ...fakeResponse(exampleUrl, { status: 403 }),
    verdict: { kind: "blocked", reason: "http-403", advice: "" },
  },
};
const thrown = (reason: string, facts: object): FetchResult => ({
  ok: false,
  error: Object.assign(fakeFailure(reason), facts),
});
const locked = { code: "ERR_PROXY", reason: "auth", fault: "proxy", mayHaveArrived: false };
const refusedTls = {
  code: "ERR_TLS",
  mayHaveArrived: false,
  verdict: { kind: "rejected", reason: "tls-certificate", advice: "" },
};
const deferred = (reason: string, deferrals: number, until = 1_001): RowState => ({
  at: "deferred",
  reason,
  until,
  deferrals,
});

describe("proxiedOutcome", () => {
  const table: readonly (readonly [string, JobLease, FetchResult, RowState])[] = [
    ["defers a line whose address was refused", getLease, blocked, deferred("http-403", 1)],
    [
      "fails a line that was refused in three calls",
      { ...getLease, deferrals: 2 },
      blocked,
      failedState("http-403", true),
    ],
    ["fails an unsafe line whose address was refused", postLease, blocked, failedState("http-403", false)],
    [
      "defers a throttled line more often than a refused one",
      { ...getLease, deferrals: 4 },
      { ok: true, response: fakeResponse(exampleUrl, { status: 429 }) },
      deferred("http-429", 5),
    ],
    [
      "counts no deferral when the request passed no proxy",
      { ...getLease, deferrals: 9 },
      thrown("proxy-auth", locked),
      deferred("proxy-auth", 9),
    ],
    [
      "defers an unsafe line that passed no proxy",
      postLease,
      thrown("proxy-auth", locked),
      deferred("proxy-auth", 0),
    ],
    [
      "counts no deferral when the session deferred for a proxy failure",
      getLease,
      thrown("proxy-auth", {
        code: "ERR_DEFERRED",
        retryAt: 9_000,
        cause: Object.assign(new Error(), locked),
      }),
      deferred("proxy-auth", 0, 9_000),
    ],
    [
      "defers a line whose last attempt found no proxy",
      getLease,
      thrown("no-proxy", { code: "ERR_NO_PROXY", retryAt: 8_000 }),
      deferred("no-proxy", 0, 8_000),
    ],
    [
      "counts a deferral when a proxy refuses the target",
      getLease,
      thrown("", {
        ...locked,
        reason: "refused",
        verdict: { kind: "blocked", reason: "proxy-refused", advice: "" },
      }),
      deferred("proxy-refused", 1),
    ],
    [
      "defers a line when tunnels failed and the cause is unknown",
      getLease,
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      deferred("proxy", 1),
    ],
    [
      "fails a line after three calls with failed tunnels",
      { ...getLease, deferrals: 2 },
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      failedState("proxy", true),
    ],
    [
      "defers a line whose certificate was refused through some proxies, even an unsafe one, because nothing was sent",
      postLease,
      thrown("", { ...refusedTls, attempts: [{ decision: "retries-exhausted" }] }),
      deferred("tls-certificate", 1),
    ],
    [
      "fails a line whose certificate was refused through every proxy",
      getLease,
      thrown("", { ...refusedTls, attempts: [{ decision: "not-retried: tls-certificate" }] }),
      failedState("tls-certificate", false),
    ],
    [
      "tries a line with a refused certificate again soon when no other proxy was available",
      getLease,
      thrown("", {
        ...refusedTls,
        code: "ERR_DEFERRED",
        cause: Object.assign(new Error(), refusedTls),
        retryAt: 9_000,
        attempts: [{ decision: "no-proxy-in-time" }],
      }),
      deferred("tls-certificate", 1, 2_000),
    ],
    [
      "fails a line whose origin is down",
      getLease,
      thrown("proxy-origin", { ...locked, fault: "origin" }),
      failedState("proxy-origin", true),
    ],
    [
      "fails a line with a 404 response",
      getLease,
      { ok: true, response: fakeResponse(exampleUrl, { status: 404 }) },
      failedState("http-404", false),
    ],
    [
      "ends a line with a 200 response as done",
      getLease,
      { ok: true, response: fakeResponse(exampleUrl) },
      { at: "done" },
    ],
  ];
  for (const [title, lease, result, state] of table) {
    it(title, () => {
      assert.deepEqual(decideOutcome(lease, result, proxied)?.state, state);
    });
  }

  it("counts no deferral while the run drains", () => {
    assert.deepEqual(
      decideOutcome(getLease, blocked, { ...proxied, draining: true })?.state,
      deferred("http-403", 0),
    );
  });
});
