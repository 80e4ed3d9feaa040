import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "../breaker/breaker.ts";
import { bulkhead } from "../bulkhead/bulkhead.ts";
import { adaptiveConcurrency } from "../concurrency/adaptive-concurrency.ts";
import { fallback } from "../fallback/fallback.ts";
import { hedge } from "../hedge/hedge.ts";
import type { Policy } from "../core/policy.ts";
import { rateLimit } from "../rate/rate-limit.ts";
import { retry } from "../retry/retry.ts";
import { retryIfError, retryIfResult } from "../retry/when.ts";
import { waitNone } from "../retry/wait.ts";
import { timeout } from "../timeout/timeout.ts";
import { compose } from "./compose.ts";

interface Reply {
  readonly status: number;
  readonly body: string;
}

const reply: Reply = { status: 200, body: "hello" };
const getReply = async (): Promise<Reply> => reply;
const getNumber = (): number => 7;
const retryBusy = retry({
  when: retryIfResult((value: { readonly status: number }) => value.status === 503),
});
const emptyFails = breaker({
  classify: (outcome: { ok: boolean; value?: { readonly body: string } }) =>
    outcome.value?.body === "" ? "failure" : "success",
});

/** Fails to compile unless both types are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? A : never) : never;

/** Gives its argument, whose type must be exactly `Expected`. */
function exactly<Expected>(): <Actual>(value: Same<Actual, Expected> & Actual) => Actual {
  return (value) => value;
}

const runs: Readonly<Record<string, () => Promise<unknown>>> = {
  "compose without policies runs the task unchanged": () =>
    exactly<Promise<number>>()(compose().execute(getNumber)),
  "policies for any result run any task": () =>
    exactly<Promise<number>>()(compose(timeout("60s"), retry(), timeout("5s")).execute(getNumber)),
  "one policy accepts the same results alone and composed": () =>
    exactly<Promise<Reply>>()(compose(retryBusy).execute(getReply)),
  "a condition inside limits the task": () =>
    exactly<Promise<Reply>>()(compose(timeout("60s"), retryBusy, bulkhead()).execute(getReply)),
  "two conditions limit the task together": () =>
    exactly<Promise<Reply>>()(compose(retryBusy, emptyFails).execute(getReply)),
  "a fallback outside adds its value": () =>
    exactly<Promise<number | null>>()(
      compose(fallback({ value: null }), retry(), breaker()).execute(getNumber),
    ),
  "a fallback inside may add values that the outer policies accept": () =>
    exactly<Promise<Reply | { status: number; from: string }>>()(
      compose(retryBusy, fallback({ value: { status: 200, from: "cache" } })).execute(getReply),
    ),
  "a fallback's task receives the task's type": () =>
    exactly<Promise<string | undefined>>()(
      compose(fallback({ when: retryIfError(RangeError), task: () => undefined })).execute(() => "text"),
    ),
  "all policies together": () =>
    exactly<Promise<Reply>>()(
      compose(
        timeout("60s"),
        retryBusy,
        rateLimit({ limit: 1_000, per: "1s", burst: 10 }),
        adaptiveConcurrency(),
        breaker(),
        hedge({ delay: "1s" }),
        timeout("5s"),
      ).execute(getReply),
    ),
  "a composition is a policy that composes": () =>
    exactly<Promise<Reply>>()(compose(timeout("60s"), compose(retryBusy, breaker())).execute(getReply)),
  "a list of policies composes": () => {
    const policies: readonly Policy[] = [timeout("60s"), retry({ wait: waitNone })];
    return exactly<Promise<number>>()(compose(...policies).execute(getNumber));
  },
};

for (const [name, run] of Object.entries(runs)) {
  test(`composed types: ${name}`, async () => {
    assert.ok([7, reply, "text"].includes((await run()) as never));
  });
}

test("composed types: a result that a condition cannot inspect does not compile", () => {
  const refused = [
    // @ts-expect-error a number has no status
    () => compose(timeout("60s"), retryBusy).execute(getNumber),
    // @ts-expect-error a status alone has no body
    () => compose(retryBusy, emptyFails).execute(() => ({ status: 200 })),
    // @ts-expect-error the condition outside cannot judge the fallback's value
    () => compose(retryBusy, fallback({ value: null })).execute(getReply),
  ];

  assert.equal(refused.length, 3);
});
