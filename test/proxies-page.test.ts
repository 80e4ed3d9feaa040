import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { errorVerdict, ProxyError, type ProxyReason } from "@holdfast/http";

const root = join(import.meta.dirname, "..");
const page = await readFile(join(root, "docs", "explanation", "proxies-on-the-wire.md"), "utf8");
const source = await readFile(join(root, "packages", "http", "src", "errors", "proxy-reason.ts"), "utf8");

/** The members of the type ProxyReason. */
const union = /type ProxyReason =([^;]*);/.exec(source)?.[1] ?? "";
const reasons = [...union.matchAll(/"([a-z-]+)"/g)].map(([, word = ""]) => word);

function isReason(word: string): word is ProxyReason {
  return reasons.includes(word);
}

test("docs/explanation/proxies-on-the-wire.md gives every reason with its fault and verdict", () => {
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|.*\| (proxy|origin|unknown) \| (\S+) \|$/gm)];

  assert.deepEqual(
    rows.map(([, reason = "", fault, verdict]) => [reason, fault, verdict]),
    reasons.map((reason) => {
      assert.ok(isReason(reason));
      const error = new ProxyError("?", { reason });
      return [reason, error.fault, errorVerdict(error).reason];
    }),
  );
});
