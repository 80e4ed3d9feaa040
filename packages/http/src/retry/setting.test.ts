import assert from "node:assert/strict";
import { test } from "node:test";
import { waitFixed } from "@holdfast/policy";
import { scripted } from "../testing/scripted/scripted-session.ts";
import { scriptedAdapter } from "../testing/scripted/scripted-adapter.ts";
import { Retry } from "./retry.ts";
import { resolveRetry, retrySettingCheck, type RetrySetting } from "./setting.ts";

const url = "https://a.test/";
const inForce = new Retry({ total: 7, statusForcelist: [418], retryAfterMax: "1h" });

const settings: readonly (readonly [what: string, setting: RetrySetting | undefined, total: unknown])[] = [
  ["no setting", undefined, 7],
  ["a number", 5, 5],
  ["0", 0, 0],
  ["Infinity", Infinity, Infinity],
  ["false", false, 0],
  ["an object", { total: 2 }, 2],
  ["an object with other options", { connect: 2 }, 7],
  ["an object with an undefined option", { total: undefined } as unknown as RetrySetting, 7],
];

for (const [what, setting, total] of settings) {
  test(`${what} is merged over the rule in force`, () => {
    const retry = resolveRetry(setting, inForce);

    assert.deepEqual(
      [retry.total, [...retry.statusForcelist], retry.retryAfterMax],
      [total, [418], 3_600_000],
    );
  });
}

test("a Retry replaces the rule in force", () => {
  const own = new Retry({ total: 1 });

  assert.equal(resolveRetry(own, inForce), own);
});

test("a Retry of another copy of the package replaces the rule in force", async () => {
  const copy: { readonly Retry: typeof Retry } = await import(`./retry.ts?copy=${Date.now()}`);
  const foreign = Object.assign(
    Object.create(copy.Retry.prototype) as object,
    new copy.Retry({ total: 1, wait: waitFixed("1s") }),
    { optionOfALaterVersion: 1 },
  );

  const retry = resolveRetry(foreign, inForce);

  assert.notEqual(copy.Retry, Retry);
  assert.ok(foreign instanceof Retry);
  assert.equal(retrySettingCheck(foreign), undefined);
  assert.ok(Object.isFrozen(retry) && retry.isRetry("GET", 503));
  assert.deepEqual([retry.total, retry.wait?.name, retry.statusForcelist.size], [1, "waitFixed(1s)", 13]);
});

test("a class that extends Retry recognises only its own instances", () => {
  class Mine extends Retry {}

  assert.deepEqual(
    [new Mine() instanceof Retry, new Mine() instanceof Mine, new Retry() instanceof Mine],
    [true, true, false],
  );
});

test("new Retry() has the safe defaults of a session, and Retry.urllib3() those of urllib3", () => {
  const facts = ({ total, raiseOnStatus, retryAfterMax, backoffFactor, backoffMax }: Retry): unknown => [
    total,
    raiseOnStatus,
    retryAfterMax,
    backoffFactor,
    backoffMax,
  ];

  assert.deepEqual(facts(new Retry()), [3, false, 120_000, 1_000, 30_000]);
  assert.deepEqual(facts(Retry.urllib3()), [10, true, 21_600_000, 0, 120_000]);
  assert.deepEqual(facts(Retry.urllib3({ total: 2, retryAfterMax: "1s" })), [2, true, 1_000, 0, 120_000]);
  assert.ok(new Retry({ total: 5 }).isRetry("GET", 503));
  assert.equal(new Retry({ statusForcelist: null }).isRetry("GET", 503), false);
  assert.equal(Retry.urllib3().isRetry("GET", 503), false);
});

test("an option of the back-off replaces an inherited wait, and other options keep it", () => {
  const fixed = new Retry({ wait: waitFixed("9s") });

  assert.equal(fixed.new({ total: 5 }).wait, fixed.wait);
  assert.equal(fixed.new({ backoffFactor: "2s" }).wait, undefined);
  assert.equal(fixed.new({ backoffFactor: "2s", wait: waitFixed("1s") }).wait?.name, "waitFixed(1s)");
});

test("the short forms count at a session, at an adapter and at a request, each merged over the one before", async () => {
  const requestsOf = async (
    session: RetrySetting | undefined,
    mount: RetrySetting | undefined,
    request: RetrySetting | undefined,
  ): Promise<number> => {
    const { session: made, clock } = scripted([{}], { ...(session !== undefined && { retry: session }) });
    const adapter = scriptedAdapter([{ status: 418 }], {
      clock,
      ...(mount !== undefined && { retry: mount }),
    });
    made.mount("https://a.test/", adapter);
    await made.get(url, request === undefined ? undefined : { retry: request });
    return adapter.requests.length;
  };
  const listed = { statusForcelist: [418] };

  assert.equal(await requestsOf(listed, undefined, undefined), 4);
  assert.equal(await requestsOf(listed, 5, undefined), 6);
  assert.equal(await requestsOf(listed, 5, 1), 2);
  assert.equal(await requestsOf(listed, { total: 5 }, { connect: 1 }), 6);
  assert.equal(await requestsOf(listed, false, undefined), 1);
  assert.equal(await requestsOf(listed, undefined, false), 1);
  assert.equal(await requestsOf(false, listed, 2), 3);
  assert.equal(await requestsOf(listed, new Retry({ total: 9 }), undefined), 1);
});

test("retry: false follows redirects", async () => {
  const { session, adapter } = scripted([{ status: 302, headers: { location: "/b" } }, {}], { retry: false });

  const { status } = await session.get(url);

  assert.deepEqual([status, adapter.requests.length], [200, 2]);
});

test("a duration limits the whole call, at a session, at an adapter and at a request", async () => {
  const endOf = async (
    session: string | undefined,
    mount: string | undefined,
    request: number | undefined,
  ): Promise<unknown> => {
    const { session: made, clock } = scripted([{}], {
      ...(session !== undefined && { timeout: session as "1s" }),
    });
    const timeout = mount === undefined ? {} : { timeout: mount as "1s" };
    made.mount("https://a.test/", { ...scriptedAdapter([{ takes: "20s" }], { clock }), ...timeout });
    await made.get(url, request === undefined ? {} : { timeout: request }).catch(() => undefined);
    return clock.now();
  };

  assert.equal(await endOf("10s", undefined, undefined), 10_000);
  assert.equal(await endOf("10s", "5s", undefined), 5_000);
  assert.equal(await endOf("10s", "5s", 2_000), 2_000);
  assert.equal(await endOf("10s", undefined, 60_000), 20_000);
});

test("pacing: false sends a request, or those through an adapter, without waiting for a learned limit", async () => {
  const limited = { status: 429, headers: { "retry-after": "60" } };
  const { session, adapter, clock } = scripted([limited, {}], { retry: false });
  const startOf = async (pacing?: boolean): Promise<number | undefined> => {
    await session.get(url, pacing === undefined ? {} : { pacing });
    return adapter.requests.at(-1)?.at;
  };
  await session.get(url);

  assert.equal(await startOf(false), 0);
  session.mount("https://a.test/", { ...adapter, pacing: false });
  await session.get(url);
  assert.equal(clock.now(), 0);
  session.mount("https://a.test/", adapter);
  assert.equal(await startOf(true), 60_000);
});
