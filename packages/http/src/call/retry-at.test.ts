import assert from "node:assert/strict";
import { test } from "node:test";
import { Retry } from "../retry/retry.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const limited = { status: 429, headers: { "retry-after": "7" } };

test("a POST response has the time that the server asks for as retryAt", async () => {
  for (const over of ["fail", "wait", "defer"] as const) {
    const { session, adapter } = scripted([limited], {
      retry: new Retry({ total: 3, statusForcelist: [429], raiseOnStatus: false, onLongRetryAfter: over }),
    });

    const { status, retryAt } = await session.post(url, { body: "x" });

    assert.deepEqual([status, retryAt, adapter.requests.length], [429, 7_000, 1], over);
  }
});

test("retryAt is undefined if the server names no time, or the retry ignores it", async () => {
  const deaf = new Retry({ total: 3, respectRetryAfterHeader: false, raiseOnStatus: false });
  for (const [answer, retry] of [
    [{ status: 429 }, undefined],
    [{ status: 404 }, undefined],
    [limited, deaf],
  ] as const) {
    const { session } = scripted([answer], retry && { retry });

    assert.equal((await session.post(url, { body: "x" })).retryAt, undefined);
  }
});
