import assert from "node:assert/strict";
import { test } from "node:test";
import { redact } from "@holdfast/policy";
import fc from "fast-check";
import { summarizeRequest } from "./request-summary.ts";

const shownUrl = (url: URL): string => summarizeRequest({ method: "GET", url }).url;

test("summarizeRequest redacts secrets and leaves a plain URL unchanged", () => {
  const table = [
    ["https://a.test/users/1", "https://a.test/users/1"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080/"],
    ["https://ann:secret@a.test/", "https://***@a.test/"],
    ["https://a.test/?api_key=secret", "https://a.test/?api_key=***"],
    ["https://a.test/token=secret", "https://a.test/token=***"],
  ] as const;

  for (const [url, shown] of table) assert.equal(shownUrl(new URL(url)), shown);
});

test("summarizeRequest equals redaction for every URL", () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
      const url = new URL(text);

      assert.equal(shownUrl(url), redact(url.href));
    }),
  );
});
