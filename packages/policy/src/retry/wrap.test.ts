import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/index.ts";
import { retry } from "./retry.ts";
import { stopAfterAttempt } from "./stop.ts";
import { waitFixed, waitNone } from "./wait.ts";

const refused = new Error("refused");

test("a wrapped function keeps its name and parameters and returns a promise of its value", async () => {
  const given: unknown[] = [];
  function fetchUser(id: number, name: string): string {
    given.push([id, name]);
    if (given.length < 3) throw refused;
    return `${id} ${name}`;
  }

  const wrapped = retry({ wait: waitNone })(fetchUser);

  assert.equal(await wrapped(7, "Ada"), "7 Ada");
  assert.deepEqual(given, [
    [7, "Ada"],
    [7, "Ada"],
    [7, "Ada"],
  ]);
  assert.equal(wrapped.name, "fetchUser");
});

test("a wrapped function keeps `this`", async () => {
  const account = {
    balance: 5,
    read: retry()(function (this: { balance: number }) {
      return this.balance;
    }),
  };

  assert.equal(await account.read(), 5);
});

test("calls of a wrapped function use the context of the policy", async () => {
  const clock = fakeClock();
  const controller = new AbortController();
  let calls = 0;
  const wrapped = retry({ wait: waitFixed("1h"), context: { clock, signal: controller.signal } })(() => {
    calls += 1;
    throw refused;
  });

  await assert.rejects(wrapped());
  controller.abort(new Error("closing"));
  await assert.rejects(wrapped(), /closing/);

  assert.equal(calls, 3);
  assert.deepEqual(clock.sleeps, [3_600_000, 3_600_000]);
});

test("the context of a call replaces the context of the policy", async () => {
  const clock = fakeClock();
  const policy = retry({ stop: stopAfterAttempt(2), wait: waitFixed(5), context: { clock: fakeClock() } });

  await assert.rejects(policy.execute(() => Promise.reject(refused), { clock }));

  assert.deepEqual(clock.sleeps, [5]);
});

test("retry decorates a method when called as a decorator", async () => {
  class Service {
    readonly calls: number[] = [];
    load(factor: number): number {
      this.calls.push(factor);
      if (this.calls.length < 2) throw refused;
      return factor * this.calls.length;
    }
  }
  const context = {
    kind: "method",
    name: "load",
    static: false,
    private: false,
  } as ClassMethodDecoratorContext;
  const load = retry({ wait: waitNone })(Service.prototype.load, context);
  const service = new Service();

  assert.equal(await load.call(service, 21), 42);
  assert.deepEqual(service.calls, [21, 21]);
});
