import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttemptRecord } from "@holdfast/http";
import { formatAttempt, decodeResponseHead } from "./attempts.ts";
import { plainText } from "./style.ts";

const asked = { method: "GET", url: "https://a.test/" };
const ok = { kind: "success", reason: "ok", advice: "" } as const;
const busy = { kind: "transient", reason: "http-503", advice: "" } as const;

test("formatAttempt writes one line per attempt", () => {
  const rows: readonly (readonly [AttemptRecord, string])[] = [
    [
      { ...asked, number: 1, startedAt: 0, elapsed: 12, status: 200, verdict: ok, decision: "success" },
      "attempt 1: 200 in 12 ms",
    ],
    [
      {
        ...asked,
        number: 2,
        startedAt: 0,
        elapsed: 1_500,
        status: 503,
        verdict: busy,
        decision: "retried",
        delay: 2_000,
        delaySource: "Retry-After",
      },
      "attempt 2: 503 in 1.5 s, retrying in 2.0 s (Retry-After)",
    ],
    [
      {
        ...asked,
        number: 3,
        startedAt: 0,
        elapsed: 3,
        error: { name: "ConnectionError", code: "ERR_CONNECTION", message: "Connection refused\u0007" },
        verdict: { kind: "transient", reason: "refused", advice: "" },
        decision: "retried",
        delay: 40,
      },
      "attempt 3: Connection refused\\u{7} (refused) in 3 ms, retrying in 40 ms",
    ],
  ];

  for (const [attempt, line] of rows) assert.equal(formatAttempt(attempt, plainText), line);
});

test("decodeResponseHead writes the head as on the wire", () => {
  const headers = new Map([
    ["content-type", "text/html"],
    ["x-a", "1"],
  ]);

  assert.equal(
    decodeResponseHead({ status: 200, statusText: "OK", headers }),
    "HTTP 200 OK\r\ncontent-type: text/html\r\nx-a: 1\r\n\r\n",
  );
  assert.equal(decodeResponseHead({ status: 204, statusText: "", headers: new Map() }), "HTTP 204\r\n\r\n");
});
