import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpResponse } from "../../model/response.ts";
import { Retry } from "../retry.ts";
import type { Hint } from "./dialect.ts";
import { hintIn, telling } from "./hint-in.ts";
import { dialects } from "./index.ts";

test("every header that a dialect reads has a telling name, so that a quick look misses none", () => {
  const read = new Set<string>();
  const headers = {
    get: (name: string): string | null => {
      read.add(name);
      // Whatever asks for more only when the first one is there gets to ask.
      return name.includes("remaining") ? "0" : "1";
    },
  };
  for (const status of [200, 403, 429, 503, 529])
    for (const dialect of dialects) dialect({ status, headers, now: 0, body: () => ({}) });

  assert.ok(read.size > 20, [...read].join(" "));
  assert.deepEqual(
    [...read].filter((name) => !telling.test(name)),
    [],
  );
});

function answer(headers: Readonly<Record<string, string>>, body = ""): HttpResponse {
  const content = new TextEncoder().encode(body);
  return new HttpResponse({ status: 429, statusText: "", url: "https://a.test/", headers, content });
}

test("a header, or a body of JSON or XML, is looked at; what has neither says nothing", () => {
  const quota = `{"error":{"code":"insufficient_quota"}}`;

  assert.equal(hintIn(answer({ "retry-after": "3" }), dialects, 0)?.delay, 3_000);
  assert.equal(hintIn(answer({ "content-type": "application/json" }, quota), dialects, 0)?.kind, "quota");
  assert.equal(hintIn(answer({ "content-type": "Application/JSON" }, quota), dialects, 0)?.kind, "quota");
  const throttled = "<Error><Code>ThrottlingException</Code></Error>";
  assert.equal(hintIn(answer({ "content-type": "text/xml" }, throttled), dialects, 0)?.retry, true);
  assert.equal(hintIn(answer({ "content-type": "text/html", date: "now" }, quota), dialects, 0), undefined);
});

test("a dialect of the caller's own is always asked", () => {
  const own = (): Hint => ({ kind: "rate", delay: 7, source: "own" });

  assert.equal(hintIn(answer({}), [own], 0)?.delay, 7);
});

test("a Retry speaks the very list that the quick look is for, and so does what is left of it", () => {
  const retry = new Retry({ total: 3, statusForcelist: [503] });
  const left = retry.increment({ method: "GET", url: "/", response: { status: 503 } });

  assert.deepEqual([retry.dialects === dialects, left.dialects === dialects], [true, true]);
});
