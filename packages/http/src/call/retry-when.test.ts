import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { ConnectionError } from "../errors/transport-errors.ts";
import type { RetryCondition } from "../retry/options.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const refused = (): ConnectionError =>
  new ConnectionError("refused", { errno: "ECONNREFUSED", phase: "connect", mayHaveArrived: false });
const conditions: readonly (readonly [what: string, when: RetryCondition])[] = [
  // oxlint-disable-next-line typescript/no-non-null-assertion -- the mistake of this test
  ["reads response! of an error", ({ response }) => response!.status === 503],
  // oxlint-disable-next-line typescript/no-non-null-assertion -- the mistake of this test
  ["rejects", async ({ response }) => (await response!.json<{ again: boolean }>()).again],
];

for (const [what, when] of conditions) {
  test(`a condition that ${what} does not hide the connection error, and a warning shows it`, async () => {
    const { session, adapter } = scripted([() => ({ error: refused() })], { retry: { total: 2, when } });
    const warned = once(process, "warning") as Promise<[Error & { readonly code: string }]>;

    const error = await catchFailure(session.get(url));

    assert.ok(error instanceof ConnectionError);
    assert.equal(adapter.requests.length, 3);
    const [warning] = await warned;
    assert.equal(warning.code, "HOLDFAST_CONDITION");
    assert.match(warning.message, /retry.when threw, and the rule decides without it: TypeError/);
  });
}

test("a condition that throws at every attempt of every call emits one warning", async () => {
  const codes: unknown[] = [];
  const collect = (warning: Error & { readonly code?: string }): void => void codes.push(warning.code);
  const when: RetryCondition = () => {
    throw new TypeError("mine");
  };
  const { session } = scripted([() => ({ error: refused() })], { retry: { total: 2, when } });
  process.on("warning", collect);

  await catchFailure(session.get(url));
  await catchFailure(session.get(url, { retry: { total: 1 } }));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", collect);

  assert.deepEqual(codes, ["HOLDFAST_CONDITION"]);
});

test("a condition that throws after a response ends the call with its error", async () => {
  const mistake = new TypeError("mine");
  const { session } = scripted([{ status: 503 }], {
    retry: {
      when: () => {
        throw mistake;
      },
    },
  });

  assert.equal(await catchFailure(session.get(url)), mistake);
});
