import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { lookUpShared, type Lookup } from "./shared-lookup.ts";

/** A resolver whose lookups the test completes. */
class Resolver {
  readonly lookups: (PromiseWithResolvers<readonly string[]> & { readonly name: string })[] = [];

  readonly lookup: Lookup = (name) => {
    const found = { ...Promise.withResolvers<readonly string[]>(), name };
    this.lookups.push(found);
    return found.promise;
  };
}

test("concurrent lookups of one name share one lookup", async () => {
  const [{ lookup, lookups }, clock] = [new Resolver(), fakeClock({ autoAdvance: false })];

  const found = [1, 2, 3].map(() => lookUpShared("a.test", { lookup, clock }));
  const other = lookUpShared("b.test", { lookup, clock });
  lookups[0]?.resolve(["127.0.0.1"]);
  lookups[1]?.resolve(["127.0.0.2"]);

  assert.deepEqual(await Promise.all(found), [["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]]);
  assert.deepEqual(await other, ["127.0.0.2"]);
  assert.deepEqual(
    lookups.map(({ name }) => name),
    ["a.test", "b.test"],
  );
});

test("a result is not kept: the next request looks the name up again, also after an error", async () => {
  const [{ lookup, lookups }, clock] = [new Resolver(), fakeClock({ autoAdvance: false })];
  const failed = [1, 2].map(() => lookUpShared("a.test", { lookup, clock }));
  lookups[0]?.reject(new Error("no"));
  for (const one of failed) await assert.rejects(one, /no/);

  const found = lookUpShared("a.test", { lookup, clock });
  lookups[1]?.resolve(["127.0.0.1"]);

  assert.deepEqual(await found, ["127.0.0.1"]);
});

test("a lookup that takes more than a second is not joined: its result may never come", async () => {
  const [{ lookup, lookups }, clock] = [new Resolver(), fakeClock({ autoAdvance: false })];
  void lookUpShared("a.test", { lookup, clock });
  await clock.advance(1_000);

  const later = [1, 2].map(() => lookUpShared("a.test", { lookup, clock }));
  lookups[1]?.resolve(["127.0.0.1"]);

  assert.deepEqual(await Promise.all(later), [["127.0.0.1"], ["127.0.0.1"]]);
  assert.equal(lookups.length, 2);
});

test("two resolvers share no lookup", () => {
  const [one, two, clock] = [new Resolver(), new Resolver(), fakeClock({ autoAdvance: false })];

  void lookUpShared("a.test", { lookup: one.lookup, clock });
  void lookUpShared("a.test", { lookup: two.lookup, clock });

  assert.deepEqual([one.lookups.length, two.lookups.length], [1, 1]);
});
