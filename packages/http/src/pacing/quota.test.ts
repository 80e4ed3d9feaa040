import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpResponse } from "../model/response.ts";
import { readQuotas, type Quota } from "./quota.ts";

const now = Date.UTC(2026, 0, 1);
const common = { scope: undefined, limit: 20, remaining: 3, isExact: false, window: undefined };

// As the limiters that people use on Node servers write them.
const table: readonly (readonly [
  what: string,
  headers: Readonly<Record<string, string>>,
  quotas: readonly Quota[],
])[] = [
  [
    "express-rate-limit, draft 6; hono-rate-limiter",
    {
      "ratelimit-policy": "20;w=2",
      "ratelimit-limit": "20",
      "ratelimit-remaining": "3",
      "ratelimit-reset": "2",
    },
    [{ ...common, delay: 2_000, window: 2_000 }],
  ],
  [
    "express-rate-limit, draft 7",
    { "ratelimit-policy": "20;w=2", ratelimit: "limit=20, remaining=3, reset=1" },
    [{ ...common, delay: 1_000, window: 2_000 }],
  ],
  [
    "express-rate-limit, draft 8",
    {
      "ratelimit-policy": '"20-in-2sec"; q=20; w=2; pk=:MTI3:',
      ratelimit: '"20-in-2sec"; r=3; t=2',
    },
    [{ ...common, scope: "20-in-2sec", delay: 2_000, window: 2_000 }],
  ],
  [
    "express-rate-limit, legacy",
    {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": String(now / 1_000 + 3),
      "retry-after": "2",
    },
    [{ ...common, delay: 2_000 }],
  ],
  [
    "koa-ratelimit, with its Retry-After rounded down",
    {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": `${now / 1_000 + 1}.75`,
      "retry-after": "1",
    },
    [{ ...common, delay: 1_750, isExact: true }],
  ],
  [
    "rate-limiter-flexible",
    {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": String(now / 1_000 + 2),
      "retry-after": "1.523",
    },
    [{ ...common, delay: 1_523, isExact: true }],
  ],
  [
    "a penalty longer than the reset is not the reset",
    {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": "2",
      "retry-after": "60",
    },
    [{ ...common, delay: 2_000 }],
  ],
  [
    "GitHub",
    {
      "x-ratelimit-limit": "20",
      "x-ratelimit-remaining": "3",
      "x-ratelimit-reset": String(now / 1_000 + 9),
      "x-ratelimit-resource": "core",
    },
    [{ ...common, scope: "core", delay: 9_000 }],
  ],
  ["no limit", { "x-ratelimit-remaining": "3", "x-ratelimit-reset": "9" }, []],
  ["no reset", { "x-ratelimit-remaining": "3", "x-ratelimit-limit": "9" }, []],
  ["no policy", { ratelimit: '"a";r=3;t=2' }, []],
  ["another unit", { ratelimit: '"a";r=3;t=2', "ratelimit-policy": '"a";q=9;w=2;qu="content-bytes"' }, []],
  [
    "a reset that cannot be read",
    { "x-ratelimit-remaining": "3", "x-ratelimit-limit": "9", "x-ratelimit-reset": "2, soon" },
    [],
  ],
];

for (const [what, headers, quotas] of table) {
  test(`readQuotas: ${what}`, () => {
    const content = new Uint8Array(0);
    const response = new HttpResponse({
      status: 200,
      statusText: "",
      url: "https://a.test/",
      headers,
      content,
    });

    assert.deepEqual(readQuotas(response, now), quotas);
  });
}
