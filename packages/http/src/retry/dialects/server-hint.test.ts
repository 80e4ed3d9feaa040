import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { scripted } from "../../testing/scripted-session.ts";
import { sessionDefaults } from "../../session/defaults.ts";
import type { Dialect } from "./dialect.ts";
import { dialects } from "./index.ts";

test("a dialect that throws costs its hint, not the answer, and is told of once", async () => {
  let calls = 0;
  const broken: Dialect = () => {
    calls += 1;
    throw new TypeError("no such field in token=s3cret");
  };
  const retry = sessionDefaults.retry.new({ total: 1, dialects: [broken, ...dialects] });
  const limited = { status: 429, headers: { "retry-after": "1" } };
  const { session, adapter } = scripted([limited, limited], { retry });
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);

  const warned = once(process, "warning");
  const response = await session.get("https://a.test/");
  await warned;
  process.off("warning", note);

  assert.deepEqual([response.status, adapter.requests.length, warnings.length], [429, 2, 1]);
  assert.equal(response.attempts[0]?.delaySource, "retry-after");
  assert.ok(calls > 1, String(calls));
  const [warning] = warnings;
  assert.deepEqual(
    [warning?.name, warning?.message],
    ["HoldfastWarning", "A dialect threw, and its hint is missing: TypeError: no such field in token=***"],
  );
  assert.match(String(Reflect.get(warning ?? {}, "detail")), /^ {4}at .*server-hint\.test\.ts/);
});
