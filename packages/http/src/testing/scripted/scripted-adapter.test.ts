import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import type { HttpRequest } from "../../model/request.ts";
import { Retry } from "../../retry/retry.ts";
import { timeoutDefaults } from "../../transport/timeouts.ts";
import { scriptedAdapter } from "./scripted-adapter.ts";
import { catchFailure, scripted } from "./scripted-session.ts";

const url = "https://a.test/";

test("plays its entries in order and repeats the last", async () => {
  const { session } = scripted([{ status: 201 }, { status: 202, body: "two" }]);

  const replies = [await session.get(url), await session.get(url), await session.get(url)];

  assert.deepEqual(
    replies.map(({ status }) => status),
    [201, 202, 202],
  );
  assert.equal(await replies[2]?.text(), "two");
});

test("calls a function entry with the request", async () => {
  const { session } = scripted([({ method, url: at, body }) => ({ body: `${method} ${at} ${body}` })]);

  assert.equal(await session.post(`${url}x`, { body: "hello" }).text(), "POST https://a.test/x hello");
});

test("records every request with headers, body and time", async () => {
  const { session, adapter, clock } = scripted([{ takes: "1s" }]);

  await session.put(url, { body: new Blob(["ab", "c"]).stream(), headers: { "X-A": "1" } });
  await session.get(url);

  const [first, second] = adapter.requests;
  assert.deepEqual([first?.method, first?.body, first?.headers["x-a"], first?.at], ["PUT", "abc", "1", 0]);
  assert.deepEqual([second?.body, second?.at, clock.now()], [undefined, 1_000, 2_000]);
});

const limits: readonly (readonly [limit: string, timeout: object, code: string, ended: number])[] = [
  ["read", { read: "1s" }, "ERR_READ_TIMEOUT", 1_000],
  ["attempt", { attempt: "2s" }, "ERR_ATTEMPT_TIMEOUT", 2_000],
  ["total", { total: "3s" }, "ERR_DEADLINE", 3_000],
];

for (const [limit, timeout, code, ended] of limits) {
  test(`enforces the ${limit} limit`, async () => {
    const { session, clock } = scripted([{ takes: "10s" }], { retry: new Retry({ total: 0 }) });

    const error = await catchFailure(session.get(url, { timeout }));

    assert.deepEqual([error["code"], clock.now()], [code, ended]);
  });
}

test("rejects when the caller aborts, before sending and while waiting", async () => {
  const { session, adapter } = scripted([{ takes: "1h" }], { timeout: { read: "2h" } });
  const caller = new AbortController();
  const reason = new Error("enough");

  const pending = catchFailure(session.get(url, { signal: caller.signal }));
  // A call is sent at the end of the turn of the event loop.
  await Promise.resolve();
  caller.abort(reason);
  const after = await catchFailure(session.get(url, { signal: caller.signal }));

  assert.deepEqual([(await pending) === reason, after === reason, adapter.requests.length], [true, true, 1]);
});

test("sends nothing when the caller has already aborted", async () => {
  const adapter = scriptedAdapter([{}], { clock: fakeClock() });
  const request: HttpRequest = { method: "GET", url: new URL(url), headers: {}, body: { kind: "none" } };

  const error = await catchFailure(
    adapter.send(request, {
      timeouts: timeoutDefaults,
      deadline: Infinity,
      maxBytes: 1,
      signal: AbortSignal.abort(new Error("gone")),
    }),
  );

  assert.deepEqual([error.message, adapter.requests.length], ["gone", 0]);
});

test("waits hours in no real time on a fake clock", async () => {
  const { session, clock } = scripted([{ status: 503, headers: { "retry-after": "18000" } }, {}], {
    retry: { total: 1, retryAfterMax: "6h", backoffJitter: 0 },
  });
  const began = performance.now();

  const response = await session.get(url);

  assert.deepEqual([response.status, clock.sleeps], [200, [18_000_000]]);
  assert.ok(performance.now() - began < 5_000);
});

test("reports whether it was closed", async () => {
  const { session, adapter } = scripted([{}]);

  await session.close();

  assert.equal(adapter.closed, true);
});

test("rejects an empty script", () => {
  assert.throws(() => scriptedAdapter([], { clock: fakeClock() }), RangeError);
});
