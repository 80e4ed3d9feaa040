import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyError, Retry, Session } from "@holdfast/http";
import { certificates } from "./support/certificates.ts";
import { fleet, type Fleet, type FleetKind, type FleetProxy } from "./support/fleet.ts";

const noRetry = new Retry({ total: 0, raiseOnStatus: false });

/** What comes of one page through each proxy: the status, or the reason of the failure. */
async function askThroughEach(site: Fleet, ca: string): Promise<readonly (readonly [FleetProxy, string])[]> {
  return Promise.all(
    site.proxies.map(async (proxy, index) => {
      await using session = new Session({
        proxy: proxy.url,
        retry: noRetry,
        tls: { ca },
        timeout: {
          connect: "30s",
          proxy: { connect: "20s", tunnel: proxy.kind === "slow" ? "300ms" : "20s" },
        },
      });
      const outcome = await session.get(site.url + site.paths[index]).then(
        async (response) =>
          `${response.status} ${response.status === 200 ? await response.text() : ""}`.trim(),
        (error: unknown) => (error instanceof ProxyError ? error.reason : String(error)),
      );
      return [proxy, outcome] as const;
    }),
  );
}

test("twenty proxies in front of a secure site have the expected results, and the site sees each address", async () => {
  const { good, ca } = await certificates();
  const site = await fleet({ certificate: good });
  try {
    const outcomes = await askThroughEach(site, ca.cert);

    const kinds = Object.groupBy(outcomes, ([{ kind }]) => kind);
    const count = (kind: FleetKind): number => kinds[kind]?.length ?? 0;
    assert.deepEqual(
      [count("good"), count("banned"), count("dead"), count("slow"), count("locked")],
      [9, 5, 3, 2, 1],
    );
    for (const [index, [{ kind }, outcome]] of outcomes.entries()) {
      const expected = {
        good: `200 page ${index}`,
        banned: "403",
        dead: "unreachable",
        slow: "timeout-tunnel",
        locked: "auth",
      };
      assert.equal(outcome, expected[kind]);
    }
    const seen = (await site.seen()).map(({ address, status }) => `${address} ${status}`);
    const due = outcomes.flatMap(([{ kind, address }]) =>
      kind === "good" ? [`${address} 200`] : kind === "banned" ? [`${address} 403`] : [],
    );
    assert.deepEqual(seen.toSorted(), due.toSorted());
    assert.equal(site.pids.length, 2);
  } finally {
    await site[Symbol.asyncDispose]();
  }
  for (const pid of site.pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a plain site limits each address separately: a busy one gets 429, and the others get pages", async () => {
  const counts = { good: 3, banned: 0, dead: 0, slow: 1, locked: 0 };
  await using site = await fleet({ pages: 40, counts, slowness: 50, allowance: { burst: 10, perSecond: 1 } });
  const [greedy, ...modest] = site.proxies;
  assert.ok(greedy !== undefined);
  const statusesThrough = async (proxy: FleetProxy, paths: readonly string[]): Promise<readonly number[]> => {
    await using session = new Session({ proxy: proxy.url, retry: noRetry });
    return await Promise.all(paths.map(async (path) => (await session.get(site.url + path)).status));
  };

  const much = await statusesThrough(greedy, site.paths);
  const little = await Promise.all(modest.map((proxy) => statusesThrough(proxy, site.paths.slice(0, 5))));

  assert.ok(much.filter((status) => status === 200).length >= 11);
  assert.ok(much.filter((status) => status === 429).length >= 20);
  assert.deepEqual([...new Set(little.flat())], [200]);
});
