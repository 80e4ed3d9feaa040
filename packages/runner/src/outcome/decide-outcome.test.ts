import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideOutcome } from "./decide-outcome.ts";
import type { FetchResult } from "./fetch-job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";
import { defaultInput, failedState, getLease, postLease, exampleUrl } from "../testing/leases.ts";
import { fakeResponse, fakeFailure } from "../testing/scripted-fetcher.ts";

const keyed: JobLease = { ...postLease, job: { ...postLease.job, request: { idempotencyKey: "k" } } };
const deferredOften: JobLease = { ...getLease, deferrals: 5 };

const responded = (status: number, retryAt?: number): FetchResult => ({
  ok: true,
  response: fakeResponse(exampleUrl, { status, ...(retryAt === undefined ? {} : { retryAt }) }),
});
const thrown = (error: unknown): FetchResult => ({ ok: false, error });

describe("decideOutcome", () => {
  const table: readonly (readonly [string, JobLease, FetchResult, RowState])[] = [
    ["success", getLease, responded(200), { at: "done" }],
    ["a redirect that cannot be followed", getLease, responded(302), failedState("http-302", false)],
    ["a 304 response", getLease, responded(304), { at: "done" }],
    ["a rejected request", getLease, responded(404), failedState("http-404", false)],
    ["a transient failure after its last retry", getLease, responded(503), failedState("http-503", true)],
    [
      "a throttling response with a time",
      getLease,
      responded(429, 9_000),
      { at: "deferred", reason: "http-429", until: 9_000, deferrals: 1 },
    ],
    [
      "a throttling response whose time has passed",
      getLease,
      responded(429, 900),
      { at: "deferred", reason: "http-429", until: 1_001, deferrals: 1 },
    ],
    [
      "a throttling response with a time beyond maxDeferDelay",
      getLease,
      responded(429, 1e15),
      { at: "deferred", reason: "http-429", until: 51_000, deferrals: 1 },
    ],
    [
      "a row that was deferred too often",
      deferredOften,
      responded(429, 9_000),
      failedState("http-429", true),
    ],
    ["a rejected request with a time", getLease, responded(404, 9_000), failedState("http-404", false)],
    ["an error", getLease, thrown(fakeFailure("timeout-read")), failedState("timeout-read", true)],
    [
      "an error with a time",
      getLease,
      thrown(fakeFailure("deadline", { retryAt: 9_000 })),
      { at: "deferred", reason: "deadline", until: 9_000, deferrals: 1 },
    ],
    [
      "an unsafe request with an error response",
      postLease,
      responded(503, 9_000),
      failedState("http-503", false),
    ],
    [
      "an unsafe request without a response",
      postLease,
      thrown(fakeFailure("timeout-read")),
      { at: "unknown", reason: "timeout-read" },
    ],
    [
      "an unsafe request that never arrived",
      postLease,
      thrown(fakeFailure("refused", { mayHaveArrived: false })),
      failedState("refused", true),
    ],
    [
      "a request that was not sent, which does not count as a deferral",
      { ...getLease, deferrals: 5 },
      thrown(fakeFailure("rate-limited", { retryAt: 9_000, mayHaveArrived: false })),
      { at: "deferred", reason: "rate-limited", until: 9_000, deferrals: 5 },
    ],
    [
      "an unsafe request that was not sent",
      postLease,
      thrown(fakeFailure("rate-limited", { retryAt: 9_000, mayHaveArrived: false })),
      { at: "deferred", reason: "rate-limited", until: 9_000, deferrals: 0 },
    ],
    [
      "an unsafe request whose error has the response",
      postLease,
      thrown(fakeFailure("http-503", { response: fakeResponse(exampleUrl, { status: 503 }) })),
      failedState("http-503", false),
    ],
    [
      "an unsafe request with a key",
      keyed,
      thrown(fakeFailure("timeout-read")),
      failedState("timeout-read", true),
    ],
    [
      "a wrong argument",
      getLease,
      thrown(new TypeError("Invalid header")),
      failedState("bad-request", false),
    ],
    ["a defect", getLease, thrown("oops"), failedState("unexpected-error", false)],
  ];
  for (const [name, lease, result, state] of table) {
    it(`decides about ${name}`, () => {
      const outcome = decideOutcome(lease, result, defaultInput);

      assert.deepEqual(outcome?.state, state);
    });
  }

  const deferredFor = (reason: string, until: number, deferrals = 0): RowState => ({
    at: "deferred",
    reason,
    until,
    deferrals,
  });
  const drained: readonly (readonly [string, JobLease, FetchResult, RowState])[] = [
    ["success", getLease, responded(200), { at: "done" }],
    ["a redirect that cannot be followed", getLease, responded(302), failedState("http-302", false)],
    ["a 304 response", getLease, responded(304), { at: "done" }],
    ["a rejected request", getLease, responded(404), failedState("http-404", false)],
    ["a transient failure", getLease, responded(503), deferredFor("http-503", 1_001)],
    ["a throttling response with a time", getLease, responded(429, 9_000), deferredFor("http-429", 9_000)],
    [
      "a throttling response with a time beyond maxDeferDelay",
      getLease,
      responded(429, 1e15),
      deferredFor("http-429", 51_000),
    ],
    ["a row that was deferred too often", deferredOften, responded(503), deferredFor("http-503", 1_001, 5)],
    ["an error", getLease, thrown(fakeFailure("timeout-read")), deferredFor("timeout-read", 1_001)],
    ["an unsafe request with a response", postLease, responded(503, 9_000), failedState("http-503", false)],
    [
      "an unsafe request without a response",
      postLease,
      thrown(fakeFailure("timeout-read")),
      { at: "unknown", reason: "timeout-read" },
    ],
    [
      "an unsafe request that never arrived",
      postLease,
      thrown(fakeFailure("refused", { mayHaveArrived: false })),
      deferredFor("refused", 1_001),
    ],
    ["a defect", getLease, thrown("oops"), failedState("unexpected-error", false)],
  ];
  for (const [name, lease, result, state] of drained) {
    it(`defers failures that a later attempt may fix while a run drains: ${name}`, () => {
      const outcome = decideOutcome(lease, result, { ...defaultInput, draining: true });

      assert.deepEqual(outcome?.state, state);
    });
  }

  it("takes an aborted request back, unless it may have been executed", () => {
    const input = { ...defaultInput, aborted: true };
    const result = thrown(new Error("stop"));

    assert.equal(decideOutcome(getLease, result, input), undefined);
    assert.equal(decideOutcome(keyed, result, input), undefined);
    assert.deepEqual(decideOutcome(postLease, result, input)?.state, {
      at: "unknown",
      reason: "aborted",
    });
  });

  it("records the body of a failed response and the message of an error", () => {
    const missing = decideOutcome(getLease, responded(404), defaultInput);
    const broken = decideOutcome(getLease, thrown(fakeFailure("reset")), defaultInput);

    assert.equal(missing?.exchange?.body?.length, missing?.exchange?.bytes);
    assert.equal(missing?.advice, "Advice for 404");
    assert.equal(broken?.exchange?.error, "Failed: reset");
  });
});
