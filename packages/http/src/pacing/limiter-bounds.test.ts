import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { noBody } from "../model/body.ts";
import { HttpResponse } from "../model/response.ts";
import { readHint } from "../retry/dialects/hints.ts";
import { toReply } from "../retry/dialects/reply.ts";
import { judge } from "../retry/judge.ts";
import { bucketNames } from "./limit-signal.ts";
import { Limiters, type LimitedRequest } from "./limiters.ts";
import { readQuotas } from "./quota.ts";
import { routeOf } from "./route.ts";

const url = "https://a.test/jobs";
const long = "b".repeat(257);

function responseWith(headers: Readonly<Record<string, string>>, status = 429): HttpResponse {
  return new HttpResponse({ status, statusText: "", url, headers, content: new Uint8Array() });
}

function requestTo(target: string): LimitedRequest {
  return {
    request: { method: "GET", url: new URL(target), headers: {}, body: noBody },
    proxy: undefined,
  };
}

const names: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, count: number])[] =
  [
    ["a name of 256 bytes", { "x-ratelimit-bucket": "b".repeat(256) }, 1],
    ["a name of 257 bytes", { "x-ratelimit-bucket": long }, 0],
    ["a name of 129 characters with 258 bytes", { "x-ratelimit-bucket": "é".repeat(129) }, 0],
    ["a long name in RateLimit", { ratelimit: `"${long}";r=1, "short";r=1` }, 1],
    ["100 names in RateLimit", { ratelimit: Array.from({ length: 100 }, (_, n) => `a${n}`).join(", ") }, 20],
    [
      "40,000 names in RateLimit",
      { ratelimit: Array.from({ length: 40_000 }, (_, n) => `a${n}`).join(",") },
      0,
    ],
  ];

for (const [what, headers, count] of names) {
  test(`a response with ${what} has ${count} buckets`, () => {
    assert.equal(bucketNames(responseWith(headers)).length, count);
  });
}

test("a hint and a quota leave out the long name of a limit, and keep the rest", () => {
  const spent = { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "3" };
  const response = responseWith({ ...spent, "x-ratelimit-bucket": long });

  const hint = readHint(toReply(judge(response), 0));
  const [quota] = readQuotas(response, 0);

  assert.deepEqual([hint?.delay, hint?.scope], [3_000, undefined]);
  assert.deepEqual([quota?.remaining, quota?.scope], [0, undefined]);
});

test("a path longer than 512 characters is a route that its hash names", () => {
  const route = (path: string): string => routeOf(requestTo(`https://a.test/${path}`).request);

  assert.ok(route("x".repeat(60_000)).length < 100);
  assert.notEqual(route("x".repeat(600)), route(`${"x".repeat(599)}y`));
});

test("a host that names a new bucket in each response loses its own oldest limits, and no other host's", async () => {
  const limiters = new Limiters(fakeClock());
  const hit = (target: string, scope: string): void =>
    limiters.recordLimit({
      ...requestTo(target),
      sentAt: 0,
      status: 429,
      hint: { kind: "rate", scope, delay: 60_000, source: "test" },
      quotas: [],
      accepted: false,
      isServerFailure: false,
      delay: 1_000,
    });
  hit("https://b.test/", "other");
  for (let bucket = 0; bucket < 300; bucket += 1) hit(`${url}/route${bucket}x`, `bucket ${bucket}`);

  const isDelayed = async (target: string): Promise<boolean> => {
    const limits = { deadline: 30_000, longestPause: 30_000, signals: [] };
    return limiters.acquire(requestTo(target), limits).then(
      () => false,
      () => true,
    );
  };

  assert.deepEqual(
    await Promise.all(
      [`${url}/route0x`, `${url}/route43x`, `${url}/route44x`, "https://b.test/"].map(isDelayed),
    ),
    [false, false, true, true],
  );
});
