import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFixed } from "@holdfast/policy";
import { DeferredError } from "../errors/transport-errors.ts";
import { Retry } from "../retry/retry.ts";
import { sessionDefaults } from "../session/defaults.ts";
import type { ScriptedEntry, ScriptedOutcome } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/jobs/1";
/** The same route with another id. */
const other = "https://a.test/jobs/2";
/** Another route. */
const elsewhere = "https://a.test/news";
const once = { retry: new Retry({ total: 0, raiseOnStatus: false }) };
const patient = sessionDefaults.retry;

function limited(seconds: number, headers: Readonly<Record<string, string>> = {}): ScriptedEntry {
  return { status: 429, headers: { "retry-after": String(seconds), ...headers } };
}

function last(seconds: number): ScriptedEntry {
  return { headers: { ratelimit: `"default";r=0;t=${seconds}` } };
}

test("a session keeps the limits of at most 10,000 hosts, and forgets the oldest", async () => {
  const { session, adapter } = scripted([limited(600)]);

  for (let host = 0; host <= 10_000; host += 1) await session.get(`https://h${host}.test/`, once);
  const [oldest, latest] = [
    await session.get("https://h0.test/", once),
    await catchFailure(session.get("https://h10000.test/")),
  ];

  assert.deepEqual(
    [oldest.status, latest["code"], adapter.requests.length],
    [429, "ERR_RATE_LIMITED", 10_002],
  );
});

test("a 429 delays every request to its route", async () => {
  const { session, adapter, clock } = scripted([limited(5), {}]);

  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await session.get(other);

  assert.deepEqual([adapter.requests.length, clock.now()], [2, 5_000]);
});

test("a 429 also delays the requests to the host's name with a dot at its end", async () => {
  const { session, clock } = scripted([last(5), {}]);

  await session.get(url);
  await session.get("https://A.test./jobs/2");

  assert.equal(clock.now(), 5_000);
});

test("a limit without a name also delays its route at the host's name with a dot at its end", async () => {
  const { session, clock } = scripted([limited(5), {}]);

  await session.get(url, once);
  await session.get("https://A.test./jobs/2");

  assert.equal(clock.now(), 5_000);
});

test("a 429 delays no other host, and no request with pacing switched off", async () => {
  const { session, clock } = scripted([last(5), {}]);
  await session.get(url);
  await session.get("https://b.test/");
  assert.equal(clock.now(), 0);

  const hasty = scripted([last(5), {}], { pacing: false });
  await hasty.session.get(url);
  await hasty.session.get(url);
  assert.equal(hasty.clock.now(), 0);
});

test("an accepted response with nothing remaining delays the next request", async () => {
  const { session, clock } = scripted([last(5), {}]);

  await session.get(url);
  await session.get(other);

  assert.equal(clock.now(), 5_000);
});

test("with an even pace, waiting requests are sent one after another, at most at the stated rate", async () => {
  const policy = { "ratelimit-policy": '"default";q=10;w=1' };
  const { session, adapter, clock } = scripted(
    [limited(2, { ratelimit: '"default";r=0;t=2', ...policy }), {}],
    { pacing: "even" },
  );
  const left: number[] = [];
  session.hooks.request.push(() => void left.push(clock.now()));

  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await Promise.all(Array.from({ length: 10 }, (_, index) => session.get(`https://a.test/jobs/${index}`)));

  assert.equal(adapter.requests.length, 11);
  assert.equal(left[1], 2_000);
  const gaps = left.slice(2).map((at, index) => at - Number(left[index + 1]));
  assert.ok(
    gaps.every((gap) => gap >= 100 && gap < 110),
    String(gaps),
  );
});

test("a limit without a name that came with a 200 delays its own route only", async () => {
  const spent = { "x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "600" };
  const { session, clock } = scripted([{ headers: spent }, {}]);

  await session.get(url);
  await session.get(elsewhere);
  await session.post(url);
  const before = clock.now();
  const error = await catchFailure(session.get(other));

  assert.deepEqual([before, error["code"]], [0, "ERR_RATE_LIMITED"]);
});

test("a 429 without a name delays its route, and the host when a second route is refused", async () => {
  const { session, adapter } = scripted([limited(600), {}, limited(600), {}]);
  const news = async (): Promise<number> => (await session.get(elsewhere, once)).status;

  await session.get(url, once);
  const statuses = [await news(), await news()];
  const error = await catchFailure(session.get("https://a.test/third"));

  assert.deepEqual([statuses, error["code"], adapter.requests.length], [[200, 429], "ERR_RATE_LIMITED", 3]);
});

test("a RateLimitedError names the host, the source of the limit and the option that changes it", async () => {
  const { session } = scripted([{ status: 429, headers: { "x-ratelimit-reset": "600" } }], {
    timeout: { total: "15m" },
  });
  await session.get(url, once);

  const tooLong = await catchFailure(session.get(other));
  const tooLate = await catchFailure(
    session.get(other, { retry: patient.new({ onLongRetryAfter: "wait" }), timeout: { total: "1m" } }),
  );

  assert.equal(
    tooLong.message,
    "a.test is rate limited (x-ratelimit-reset). The next turn is in 600000 ms, which is too late; raise retryAfterMax " +
      "of retry (120000 ms) to wait for it, or pass pacing: false to ignore rate limits",
  );
  assert.match(tooLate.message, /^a\.test is rate limited .*; raise timeout\.total to wait for it/);
});

/** Replies of a server with `requests` requests per `window`, from the first request on. */
function windowServer(
  { requests, window }: { readonly requests: number; readonly window: number },
  headers: (left: number, until: number) => Record<string, string>,
): (now: number) => { readonly status: number; readonly headers: Record<string, string> } {
  let [resetsAt, left] = [0, 0];
  return (now) => {
    if (now >= resetsAt) [resetsAt, left] = [now + window, requests];
    left -= 1;
    return { status: left < 0 ? 429 : 200, headers: headers(Math.max(0, left), resetsAt - now) };
  };
}

const announcements: readonly (readonly [
  what: string,
  headers: (left: number, until: number) => Record<string, string>,
])[] = [
  [
    "RateLimit and its policy",
    (left, until) => ({
      ratelimit: `"a";r=${left};t=${Math.ceil(until / 1_000)}`,
      "ratelimit-policy": '"a";q=20;w=2',
    }),
  ],
  [
    "draft 07",
    (left, until) => ({ ratelimit: `limit=20, remaining=${left}, reset=${Math.ceil(until / 1_000)}` }),
  ],
  [
    "X-RateLimit",
    (left, until) => ({
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": String(left),
      "x-ratelimit-reset": String(until / 1_000),
    }),
  ],
];

for (const [what, headers] of announcements) {
  test(`what remains of an announced window is used immediately, and the rest waits for the reset: ${what}`, async () => {
    const server = windowServer({ requests: 20, window: 2_000 }, headers);
    const left: number[] = [];
    const { session, clock } = scripted([
      (): ScriptedOutcome => {
        left.push(clock.now());
        return { takes: "10ms", ...server(clock.now()) };
      },
    ]);

    await Promise.all(Array.from({ length: 100 }, () => session.get(url)));

    assert.ok(clock.now() < 8_000 * 1.1, `took ${clock.now()} ms`);
    assert.ok(left.length <= 185, `${left.length} were sent`);
    const second = left.filter((at) => at >= 2_000 && at < 4_000);
    assert.ok(second.length === 20 && Math.max(...second) - Math.min(...second) < 300, String(second));
  });
}

test("a server that refuses while something remains has another limit, and is not sent a burst", async () => {
  const headers = {
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4000",
    "x-ratelimit-reset": "3600",
  };
  const { session, clock } = scripted([limited(5, headers), {}]);
  await session.get(url, once);

  await session.get(other);

  assert.equal(clock.now(), 5_000);
});

test("Retry-After with every accepted response delays nothing while something remains", async () => {
  const headers = {
    "x-ratelimit-limit": "9",
    "x-ratelimit-remaining": "8",
    "x-ratelimit-reset": "2",
    "retry-after": "2",
  };
  const { session, clock } = scripted([{ headers }]);

  await session.get(url);
  await session.get(url);

  assert.equal(clock.now(), 0);
});

test("Retry-After: 0 is followed by the back-off", async () => {
  const retry = new Retry({ total: 1, statusForcelist: [429], wait: waitFixed("3s") });
  const { session, clock } = scripted([limited(0), {}], { retry });

  await session.get(url);

  assert.equal(clock.now(), 3_000);
});

test("with Retry-After: 0 the other requests wait as long as the back-off", async () => {
  const retry = new Retry({ total: 1, statusForcelist: [429], wait: waitFixed("3s") });
  const { session, clock } = scripted([limited(0), {}], { retry });
  const left: number[] = [];
  session.hooks.request.push(() => void left.push(clock.now()));

  const first = session.get(url);
  while (left.length === 0) await Promise.resolve();
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  await Promise.all([first, session.get(other)]);

  assert.equal(Math.min(...left.slice(1)), 3_000);
});

test("a long queue rejects no request while the rate increases", async () => {
  const { session, adapter } = scripted([limited(1), {}], { timeout: { total: "20s" } });
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });

  await Promise.all(Array.from({ length: 1_000 }, (_, index) => session.get(`https://a.test/jobs/${index}`)));

  assert.equal(adapter.requests.length, 1_001);
});

test("a pause longer than retryAfterMax rejects the request immediately, unsent", async () => {
  const { session, adapter, clock } = scripted([limited(600), {}]);
  await session.get(url);

  const error = await catchFailure(session.get(other));

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length, clock.now()],
    ["ERR_RATE_LIMITED", 600_000, 1, 0],
  );
});

test("a deadline before the request's turn rejects it immediately", async () => {
  const { session, adapter } = scripted([last(60), {}], { timeout: { total: "30s" } });
  await session.get(url);

  const error = await catchFailure(session.get(other));

  assert.deepEqual(
    [error["code"], error["retryAt"], adapter.requests.length],
    ["ERR_RATE_LIMITED", 60_000, 1],
  );
});

test("a later response that makes the pause too long rejects a waiting request", async () => {
  const { session, adapter } = scripted([last(5), limited(600), {}]);
  await session.get(url);

  const [first, second] = await Promise.allSettled([session.get(url), session.get(other)]);

  assert.equal(first.status === "fulfilled" && first.value.status, 429);
  assert.equal(second.status === "rejected" && second.reason.code, "ERR_RATE_LIMITED");
  assert.equal(adapter.requests.length, 2);
});

test("a later response of the same bucket rejects a waiting request, too", async () => {
  const { session, adapter } = scripted([limited(5), limited(600), {}]);
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });

  const [first, second] = await Promise.allSettled([session.get(url), session.get(other)]);

  assert.equal(first.status === "fulfilled" && first.value.status, 429);
  assert.equal(second.status === "rejected" && second.reason.code, "ERR_RATE_LIMITED");
  assert.equal(adapter.requests.length, 2);
});

test("onLongRetryAfter: wait waits for longer than retryAfterMax", async () => {
  const { session, clock } = scripted([limited(600), {}], {
    retry: patient.new({ onLongRetryAfter: "wait" }),
  });

  const response = await session.get(url);

  assert.equal(response.status, 200);
  assert.ok(clock.now() >= 600_000);
});

test("onLongRetryAfter: defer throws with resumeAt and the response", async () => {
  const { session, adapter } = scripted([limited(600)], {
    retry: patient.new({ onLongRetryAfter: "defer" }),
  });

  const error = await catchFailure(session.get(url));
  const next = await catchFailure(session.get(other));

  assert.ok(error instanceof DeferredError && next instanceof DeferredError);
  assert.deepEqual([error.resumeAt, next.resumeAt, adapter.requests.length], [600_000, 600_000, 1]);
  assert.equal(Reflect.get(Object(error["response"]), "status"), 429);
});

test("onLongRetryAfter: defer also applies if the deadline is too short", async () => {
  const { session } = scripted([limited(60)], {
    retry: patient.new({ onLongRetryAfter: "defer" }),
    timeout: { total: "30s" },
  });

  const error = await catchFailure(session.get(url));

  assert.deepEqual([error["code"], error["resumeAt"]], ["ERR_DEFERRED", 60_000]);
});

test("an abort ends the wait for a limiter, and so does closing the session", async () => {
  const { session, adapter } = scripted([last(60), {}]);
  await session.get(url);
  const abort = new AbortController();

  const aborted = session.get(url, { signal: abort.signal });
  const waiting = session.get(other);
  const results = Promise.allSettled([aborted, waiting]);
  abort.abort(new Error("enough"));
  await aborted.catch(() => undefined);
  await session.close();

  const reasons = (await results).map((result) => result.status === "rejected" && String(result.reason));
  assert.deepEqual(reasons, ["Error: enough", "SessionClosedError: The session was closed"]);
  assert.equal(adapter.requests.length, 1);
});

const bucket = (name: string): ScriptedEntry => ({
  headers: { "x-ratelimit-bucket": name, "x-ratelimit-remaining": "4" },
});
const refusedIn = (name: string): ScriptedEntry => ({
  status: 429,
  headers: { "x-ratelimit-bucket": name, "retry-after": "5" },
});

test("a named bucket delays the routes that it was named for, and no other route", async () => {
  const { session, clock } = scripted([refusedIn("a"), bucket("b"), bucket("a")]);

  await session.get(url, once);
  await session.get(elsewhere);
  const other = clock.now();
  await session.get(url);

  assert.deepEqual([other < 1_000, clock.now() >= 5_000], [true, true]);
});

test("a named bucket that has limited a second route delays new routes, and no known route of another bucket", async () => {
  const third = new URL("/third", url).href;
  const fourth = new URL("/fourth", url).href;
  const { session, clock } = scripted([
    bucket("b"),
    refusedIn("a"),
    refusedIn("a"),
    bucket("b"),
    bucket("a"),
  ]);

  await session.get(fourth);
  await session.get(url, once);
  await session.get(elsewhere, once);
  await session.get(fourth);
  const known = clock.now();
  await session.get(third);

  assert.deepEqual([known < 1_000, clock.now() >= 5_000], [true, true]);
});

test("an exhausted quota delays no request, since waiting does not help", async () => {
  const body = JSON.stringify({ error: { code: "insufficient_quota" } });
  const headers = { "content-type": "application/json", "retry-after": "60" };
  const { session, clock } = scripted([{ status: 429, headers, body }, {}]);

  const response = await session.get(url);
  await session.get(other);

  assert.deepEqual([response.status, response.verdict.kind, clock.now()], [429, "rejected", 0]);
  assert.match(response.attempts[0]?.verdict.advice ?? "", /raise the quota/);
});

function remains(count: number, headers: Readonly<Record<string, string>>): ScriptedEntry {
  return {
    headers: { "x-ratelimit-remaining": String(count), "x-ratelimit-reset-after": "3600", ...headers },
  };
}

const named: readonly (readonly [what: string, spent: ScriptedEntry, left: ScriptedEntry])[] = [
  [
    "GitHub's resources",
    remains(0, { "x-ratelimit-resource": "search" }),
    remains(4_999, { "x-ratelimit-resource": "core" }),
  ],
  ["Discord's buckets", remains(0, { "x-ratelimit-bucket": "a" }), remains(4, { "x-ratelimit-bucket": "b" })],
  [
    "the policies of RateLimit",
    { headers: { ratelimit: '"a";r=0;t=3600' } },
    { headers: { ratelimit: '"b";r=9;t=3600' } },
  ],
];

for (const [what, spent, left] of named) {
  test(`an exhausted bucket delays no route of another bucket: ${what}`, async () => {
    const { session, clock } = scripted([left, spent, left, left]);

    await session.get(elsewhere);
    await session.get(url);
    await session.get(elsewhere);
    const error = await catchFailure(session.get(url));

    assert.deepEqual([clock.now(), error["code"]], [0, "ERR_RATE_LIMITED"]);
  });
}

test("a unit mistake does not block a host for years", async () => {
  const { session, adapter } = scripted([{ status: 503, headers: { "retry-after": "1795622646" } }, {}]);

  const refused = await session.get(url);
  const next = await session.get(other);

  assert.deepEqual([refused.status, next.status, adapter.requests.length], [503, 200, 2]);
});

test("a single refusal slows no request down, with one caller or several", async () => {
  for (const workers of [1, 5]) {
    let count = 0;
    const answer = (): ScriptedOutcome => ({
      takes: "100ms",
      ...((count += 1) === 13 && { status: 429, headers: { "retry-after": "1" } }),
    });
    const { session, clock } = scripted([answer]);

    const work = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1) await session.get(`${url}/${index}`);
    };
    await Promise.all(Array.from({ length: workers }, work));

    assert.ok(clock.now() < 20 * 100 + 1_000 + 600, `${workers} workers took ${clock.now()} ms`);
  }
});

test("a closed session makes no request wait", async () => {
  const { session, clock } = scripted([limited(4), {}]);
  await session.get(url, { retry: new Retry({ total: 0, raiseOnStatus: false }) });
  await session.close();

  await assert.rejects(session.get(other), /The session was closed/);
  assert.equal(clock.now(), 0);
});
