import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideOutcome } from "./decide-outcome.ts";
import type { FetchResult } from "./fetch-job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";
import { calm, failedFor, get, post, url } from "../testing/leases.ts";
import { answered, failure } from "../testing/scripted-fetcher.ts";

const proxied = { ...calm, proxied: true };

const blocked: FetchResult = {
  ok: true,
  response: {
    ...answered(url, { status: 403 }),
    verdict: { kind: "blocked", reason: "http-403", advice: "" },
  },
};
const thrown = (reason: string, facts: object): FetchResult => ({
  ok: false,
  error: Object.assign(failure(reason), facts),
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
    ["refused to its address goes again", get, blocked, deferred("http-403", 1)],
    ["refused three times over has failed", { ...get, deferrals: 2 }, blocked, failedFor("http-403", true)],
    ["refused may not go again where it is unsafe", post, blocked, failedFor("http-403", false)],
    [
      "limited has more patience",
      { ...get, deferrals: 4 },
      { ok: true, response: answered(url, { status: 429 }) },
      deferred("http-429", 5),
    ],
    [
      "that never got through one has used up nothing",
      { ...get, deferrals: 9 },
      thrown("proxy-auth", locked),
      deferred("proxy-auth", 9),
    ],
    ["even where it is unsafe", post, thrown("proxy-auth", locked), deferred("proxy-auth", 0)],
    [
      "nor where it was put off for that",
      get,
      thrown("proxy-auth", {
        code: "ERR_DEFERRED",
        retryAt: 9_000,
        cause: Object.assign(new Error(), locked),
      }),
      deferred("proxy-auth", 0, 9_000),
    ],
    [
      "whose last attempt found none waits for one",
      get,
      thrown("no-proxy", { code: "ERR_NO_PROXY", retryAt: 8_000 }),
      deferred("no-proxy", 0, 8_000),
    ],
    [
      "that no proxy may serve goes again like one that was refused",
      get,
      thrown("", {
        ...locked,
        reason: "refused",
        verdict: { kind: "blocked", reason: "proxy-refused", advice: "" },
      }),
      deferred("proxy-refused", 1),
    ],
    [
      "whose proxies opened no way, none for long enough to tell, has another round",
      get,
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      deferred("proxy", 1),
    ],
    [
      "and no more than three",
      { ...get, deferrals: 2 },
      thrown("proxy", { ...locked, reason: "closed", fault: "unknown" }),
      failedFor("proxy", true),
    ],
    [
      "whose certificate was refused through some proxies goes again, even where it is unsafe: nothing was sent",
      post,
      thrown("", { ...refusedTls, attempts: [{ decision: "retries-exhausted" }] }),
      deferred("tls-certificate", 1),
    ],
    [
      "whose certificate was refused through all alike has failed for good",
      get,
      thrown("", { ...refusedTls, attempts: [{ decision: "not-retried: tls-certificate" }] }),
      failedFor("tls-certificate", false),
    ],
    [
      "whose certificate was refused asks again soon whether another proxy is fit",
      get,
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
      get,
      thrown("proxy-origin", { ...locked, fault: "origin" }),
      failedFor("proxy-origin", true),
    ],
    [
      "that is not there is not there",
      get,
      { ok: true, response: answered(url, { status: 404 }) },
      failedFor("http-404", false),
    ],
    ["that is there is done", get, { ok: true, response: answered(url) }, { at: "done" }],
  ];
  for (const [what, lease, settled, state] of table) {
    it(what, () => {
      assert.deepEqual(decideOutcome(lease, settled, proxied)?.state, state);
    });
  }

  it("uses up no round while the run drains", () => {
    assert.deepEqual(
      decideOutcome(get, blocked, { ...proxied, draining: true })?.state,
      deferred("http-403", 0),
    );
  });
});
