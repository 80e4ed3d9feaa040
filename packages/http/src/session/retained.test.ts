import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { test } from "node:test";
import { breaker } from "@holdfast/policy";
import { faultOrigin, refusedPort, respond } from "../testing/index.ts";
import { Retry } from "../retry/retry.ts";
import { Session } from "./session.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Waits until every referenced object was collected, for at most five seconds. Returns the names of those that were not. */
async function findUncollected(references: ReadonlyMap<string, WeakRef<object>>): Promise<readonly string[]> {
  const limit = performance.now() + 5_000;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    const kept = [...references].filter(([, reference]) => reference.deref() !== undefined);
    if (kept.length === 0 || performance.now() > limit) return kept.map(([name]) => name);
  }
}

/** Makes calls that end in every way, and refers weakly to what they leave behind. */
async function useSession(session: Session, references: Map<string, WeakRef<object>>): Promise<void> {
  await using origin = await faultOrigin({
    routes: {
      "/": respond(200, { body: "here" }),
      "/down": respond(503, { body: "down" }),
      "/limited": respond(429, { headers: { "retry-after": "1" } }),
    },
  });
  for (const path of ["/", "/down", "/limited"])
    references.set(`response of ${path}`, new WeakRef(await session.get(origin.url + path)));
  const refused: unknown = await session
    .get(`http://127.0.0.1:${await refusedPort()}/`)
    .catch((error: unknown) => error);
  assert.ok(refused instanceof Error);
  references.set("error", new WeakRef(refused));
}

test("a closed session keeps no response, error or policy of its calls", async () => {
  const references = new Map<string, WeakRef<object>>();
  const session = new Session({
    trustEnvironment: false,
    retry: new Retry({ total: 0 }),
    policy: (origin) => {
      const policy = breaker();
      references.set(`policy of ${origin}`, new WeakRef(policy));
      return policy;
    },
  });
  await useSession(session, references);

  await session.close();
  const kept = await findUncollected(references);

  assert.deepEqual(kept, []);
  assert.ok(references.size >= 5);
  await assert.rejects(session.get("http://127.0.0.1/"), /closed/);
});

test("a call that waits for its next attempt holds neither the response nor its body", async () => {
  const references = new Map<string, WeakRef<object>>();
  await using origin = await faultOrigin({
    routes: { "/down": respond(503, { body: "down".repeat(1_000) }) },
  });
  const session = new Session({
    trustEnvironment: false,
    timeout: { total: "2h" },
    retry: new Retry({ total: 1, statusForcelist: [503], wait: () => 3_600_000 }),
    hooks: {
      response: [
        (response) => {
          references.set("response", new WeakRef(response));
          references.set("body", new WeakRef(response.content));
        },
      ],
    },
  });
  const call = session.get(`${origin.url}/down`).catch((error: unknown) => error);
  const limit = performance.now() + 5_000;
  while (references.size === 0 && performance.now() < limit)
    await new Promise((resolve) => setImmediate(resolve));

  const kept = await findUncollected(references);

  assert.equal(references.size, 2);
  assert.deepEqual(kept, []);
  await session.close();
  assert.match(String(await call), /closed/);
});
