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

describe("a line that went through proxies", () => {
  const table: readonly (readonly [string, JobLease, FetchResult, RowState])[] = [
    ["refused to its address goes again", getLease, blocked, deferred("http-403", 1)],
    [
      "refused three times over has failed",
      { ...getLease, deferrals: 2 },
      blocked,
      failedState("http-403", true),
    ],
    ["refused may not go again where it is unsafe", postLease, blocked, failedState("http-403", false)],
    [
      "limited has more patience",
      { ...getLease, deferrals: 4 },
      { ok: true, response: fakeResponse(exampleUrl, { status: 429 }) },
      deferred("http-429", 5),
    ],
    [
      "that never got through one has used up nothing",
      { ...getLease, deferrals: 9 },
      thrown("proxy-auth", locked),
      deferred("proxy-auth", 9),
    ],
    ["even where it is unsafe", postLease, thrown("proxy-auth", locked), deferred("proxy-auth", 0)],
    [
      "nor where it was put off for that",
      getLease,
      thrown("proxy-auth", {
        code: "ERR_DEFERRED",
        retryAt: 9_000,
        cause: Object.assign(new Error(), locked),
      }),
      deferred("proxy-auth", 0, 9_000),
    ],
    [
      "whose last attempt found none waits for one",
      getLease,
      thrown("no-proxy", { code: "ERR_NO_PROXY", retryAt: 8_000 }),
      deferred("no-proxy", 0, 8_000),
    ],
    [
      "that no proxy may serve goes again like one that was refused",
      getLease,
      thrown("", {
        ...locked,
        reason: "refused",
        verdict: { kind: "blocked", reason: "proxy-refused", advice: "" },
      }),
      deferred("proxy-refused", 1),
    ],
    [
      "whose proxies opened no way, none for long enough to tell, has another round",
      getLease,
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      deferred("proxy", 1),
    ],
    [
      "and no more than three",
      { ...getLease, deferrals: 2 },
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      failedState("proxy", true),
    ],
    [
      "whose certificate was refused through some proxies goes again, even where it is unsafe: nothing was sent",
      postLease,
      thrown("", { ...refusedTls, attempts: [{ decision: "retries-exhausted" }] }),
      deferred("tls-certificate", 1),
    ],
    [
      "whose certificate was refused through all alike has failed for good",
      getLease,
      thrown("", { ...refusedTls, attempts: [{ decision: "not-retried: tls-certificate" }] }),
      failedState("tls-certificate", false),
    ],
    [
      "whose certificate was refused asks again soon whether another proxy is fit",
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
      "whose origin is down, too",
      getLease,
      thrown("proxy-origin", { ...locked, fault: "origin" }),
      failedState("proxy-origin", true),
    ],
    [
      "that is not there is not there",
      getLease,
      { ok: true, response: fakeResponse(exampleUrl, { status: 404 }) },
      failedState("http-404", false),
    ],
    ["that is there is done", getLease, { ok: true, response: fakeResponse(exampleUrl) }, { at: "done" }],
  ];
  for (const [what, lease, settled, state] of table) {
    it(what, () => {
      assert.deepEqual(decideOutcome(lease, settled, proxied)?.state, state);
    });
  }

  it("uses up no round while the run drains", () => {
    assert.deepEqual(
      decideOutcome(getLease, blocked, { ...proxied, draining: true })?.state,
      deferred("http-403", 0),
    );
  });
});
