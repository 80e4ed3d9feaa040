import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideOutcome, findHostHold } from "./decide-outcome.ts";
import type { FetchResult } from "./fetch-job.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { RowState } from "../ledger/state.ts";
import { defaultInput, failedState, getLease, postLease, exampleUrl } from "../testing/leases.ts";
import { fakeResponse, fakeFailure } from "../testing/scripted-fetcher.ts";

const keyed: JobLease = { ...postLease, job: { ...postLease.job, request: { idempotencyKey: "k" } } };
const deferredOften: JobLease = { ...getLease, deferrals: 5 };

const answer = (status: number, retryAt?: number): FetchResult => ({
  ok: true,
  response: fakeResponse(exampleUrl, { status, ...(retryAt === undefined ? {} : { retryAt }) }),
});
const thrown = (error: unknown): FetchResult => ({ ok: false, error });

describe("conclude", () => {
  const table: readonly (readonly [string, JobLease, FetchResult, RowState])[] = [
    ["success", getLease, answer(200), { at: "done" }],
    ["a redirect that leads nowhere", getLease, answer(302), failedState("http-302", false)],
    ["a page that has not changed", getLease, answer(304), { at: "done" }],
    ["a rejection", getLease, answer(404), failedState("http-404", false)],
    ["a passing fault that outlived its retries", getLease, answer(503), failedState("http-503", true)],
    [
      "a server that asks for patience",
      getLease,
      answer(429, 9_000),
      { at: "deferred", reason: "http-429", until: 9_000, deferrals: 1 },
    ],
    [
      "a time that has passed meanwhile",
      getLease,
      answer(429, 900),
      { at: "deferred", reason: "http-429", until: 1_001, deferrals: 1 },
    ],
    [
      "a server that asks for more patience than a run has",
      getLease,
      answer(429, 1e15),
      { at: "deferred", reason: "http-429", until: 51_000, deferrals: 1 },
    ],
    ["one round too many", deferredOften, answer(429, 9_000), failedState("http-429", true)],
    ["a rejection that names a time", getLease, answer(404, 9_000), failedState("http-404", false)],
    ["an error", getLease, thrown(fakeFailure("timeout-read")), failedState("timeout-read", true)],
    [
      "an error that names a time",
      getLease,
      thrown(fakeFailure("deadline", { retryAt: 9_000 })),
      { at: "deferred", reason: "deadline", until: 9_000, deferrals: 1 },
    ],
    [
      "an unsafe request that was answered with a fault",
      postLease,
      answer(503, 9_000),
      failedState("http-503", false),
    ],
    [
      "an unsafe request without an answer",
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
      "a request that was held back until a time, which is no round",
      { ...getLease, deferrals: 5 },
      thrown(fakeFailure("rate-limited", { retryAt: 9_000, mayHaveArrived: false })),
      { at: "deferred", reason: "rate-limited", until: 9_000, deferrals: 5 },
    ],
    [
      "an unsafe request that was held back until a time",
      postLease,
      thrown(fakeFailure("rate-limited", { retryAt: 9_000, mayHaveArrived: false })),
      { at: "deferred", reason: "rate-limited", until: 9_000, deferrals: 0 },
    ],
    [
      "an unsafe request whose error holds the answer",
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
  for (const [name, lease, settled, state] of table) {
    it(`judges ${name}`, () => {
      const outcome = decideOutcome(lease, settled, defaultInput);

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
    ["success", getLease, answer(200), { at: "done" }],
    ["a redirect that leads nowhere", getLease, answer(302), failedState("http-302", false)],
    ["a page that has not changed", getLease, answer(304), { at: "done" }],
    ["a rejection", getLease, answer(404), failedState("http-404", false)],
    ["a passing fault", getLease, answer(503), deferredFor("http-503", 1_001)],
    ["a server that asks for patience", getLease, answer(429, 9_000), deferredFor("http-429", 9_000)],
    ["a server that asks for too much of it", getLease, answer(429, 1e15), deferredFor("http-429", 51_000)],
    ["one round too many", deferredOften, answer(503), deferredFor("http-503", 1_001, 5)],
    ["an error", getLease, thrown(fakeFailure("timeout-read")), deferredFor("timeout-read", 1_001)],
    ["an unsafe request that was answered", postLease, answer(503, 9_000), failedState("http-503", false)],
    [
      "an unsafe request without an answer",
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
  for (const [name, lease, settled, state] of drained) {
    it(`keeps what a later attempt may cure waiting while a run drains: ${name}`, () => {
      const outcome = decideOutcome(lease, settled, { ...defaultInput, draining: true });

      assert.deepEqual(outcome?.state, state);
    });
  }

  it("takes an aborted request back, unless it may have been executed", () => {
    const circumstances = { ...defaultInput, aborted: true };
    const settled = thrown(new Error("stop"));

    assert.equal(decideOutcome(getLease, settled, circumstances), undefined);
    assert.equal(decideOutcome(keyed, settled, circumstances), undefined);
    assert.deepEqual(decideOutcome(postLease, settled, circumstances)?.state, {
      at: "unknown",
      reason: "aborted",
    });
  });

  it("keeps the body of an answer that is a failure, and the message of an error", () => {
    const missing = decideOutcome(getLease, answer(404), defaultInput);
    const broken = decideOutcome(getLease, thrown(fakeFailure("reset")), defaultInput);

    assert.equal(missing?.exchange?.body?.length, missing?.exchange?.bytes);
    assert.equal(missing?.advice, "Advice for 404");
    assert.equal(broken?.exchange?.error, "Failed: reset");
  });

  it("holds the host only when the server throttles and names a time, and never longer than the run accepts", () => {
    const answers = [answer(429, 9), answer(429, 1e15), answer(429), answer(503, 9), thrown(new Error("x"))];

    const holds = answers.map((settled) => findHostHold(settled, defaultInput));

    assert.deepEqual(holds, [9, 51_000, undefined, undefined, undefined]);
  });
});
