import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "@holdfast/policy";
import { scripted } from "../testing/scripted/scripted-session.ts";

test("a session keeps the policies of 10,000 origins, and forgets the one that it has not visited for longest", async () => {
  const made: string[] = [];
  const shared = breaker();
  const policy = (origin: string): typeof shared => {
    made.push(origin);
    return shared;
  };
  const { session } = scripted([{}], { policy });
  for (let host = 0; host < 10_000; host += 1) await session.get(`https://h${host}.test/`);
  await session.get("https://h0.test/");

  await session.get("https://new.test/");
  await session.get("https://h0.test/");
  await session.get("https://h1.test/");

  assert.deepEqual(made.slice(10_000), ["https://new.test", "https://h1.test"]);
});
