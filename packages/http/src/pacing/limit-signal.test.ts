import assert from "node:assert/strict";
import { test } from "node:test";
import { ResponseHeaders } from "../model/headers.ts";
import { HttpResponse } from "../model/response.ts";
import { sessionDefaults } from "../session/defaults.ts";
import type { Dialect } from "../retry/dialects/dialect.ts";
import { dialects } from "../retry/dialects/index.ts";
import { readLimitSignal, hasRemainingHeader } from "./limit-signal.ts";

function accepted(headers: Readonly<Record<string, string>>): HttpResponse {
  const content = new Uint8Array(0);
  return new HttpResponse({ status: 200, statusText: "", url: "https://a.test/", headers, content });
}

function delayIn(dialect: Dialect, headers: Readonly<Record<string, string>>): number | undefined {
  return dialect({ status: 200, headers: new ResponseHeaders(headers), now: 0 })?.delay;
}

function headersOf(dialect: Dialect): readonly string[] {
  const names = new Set<string>();
  const get = (name: string): string | null => (names.add(name), name.includes("remaining") ? "0" : null);
  dialect({ status: 200, headers: { get }, now: 0 });
  return [...names];
}

/** The names of headers that contain a delay, not a remaining number. */
const waits = /reset|retry/;

/** Values for "nothing remains" or a reset, in the forms that dialects read. */
const values = ["0", '"a";r=0;t=5', "remaining=0, reset=5", "0/0", "1970-01-01T00:00:05Z", "5"];

test("hasRemainingHeader recognises the header of every dialect on an accepted response", () => {
  const found = dialects.flatMap((dialect) => {
    const names = headersOf(dialect);
    const resets = values.map((value) =>
      names.filter((name) => waits.test(name)).map((name) => [name, value]),
    );
    return names
      .filter((name) => !waits.test(name))
      .filter((name) =>
        values.some((value) =>
          resets.some(
            (reset) => delayIn(dialect, { ...Object.fromEntries(reset), [name]: value }) !== undefined,
          ),
        ),
      );
  });

  assert.ok(found.length >= 10, String(found));
  assert.deepEqual(
    found.filter((name) => !hasRemainingHeader(accepted({ [name]: "0" }))),
    [],
  );
});

for (const [remaining, reset, value] of [
  ["x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", "6m0s"],
  [
    "anthropic-ratelimit-output-tokens-remaining",
    "anthropic-ratelimit-output-tokens-reset",
    "1970-01-01T00:06:00Z",
  ],
  [
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-input-tokens-reset",
    "1970-01-01T00:06:00Z",
  ],
] as const) {
  test(`an exhausted token bucket alone is recognised on an accepted response: ${remaining}`, () => {
    const signal = readLimitSignal(accepted({ [remaining]: "0", [reset]: value }), sessionDefaults.retry, 0);

    assert.deepEqual([signal?.accepted, signal?.hint?.delay], [true, 360_000]);
    assert.equal(
      readLimitSignal(accepted({ [remaining]: "1", [reset]: value }), sessionDefaults.retry, 0),
      undefined,
    );
  });
}
