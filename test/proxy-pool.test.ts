import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { Retry, Session } from "@holdfast/http";
import { ProxyPool, proxyPoolDefaults } from "@holdfast/proxies";
import {
  faultOrigin,
  raw,
  refusedPort,
  respond,
  reset,
  tunnel,
  type FaultOrigin,
} from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";

const quick = new Retry({ total: 5, backoffFactor: "5ms", raiseOnStatus: false });

/** A proxy for plain http that responds to every request itself. */
function answering(...answers: Parameters<typeof respond>): Promise<FaultOrigin> {
  return faultOrigin({ routes: { "*": () => respond(...answers) } });
}

const lineOf = ({ url }: FaultOrigin, user = ""): string => `${new URL(url).host}${user}`;

test("a session tries its proxies until one is accepted, with the credentials of each", async () => {
  await using banned = await answering(403);
  await using busy = await answering(429, { headers: { "retry-after": "60" } });
  await using good = await answering(200, { body: "welcome" });
  const gone = `127.0.0.1:${await refusedPort()}`;
  const pool = new ProxyPool([gone, lineOf(banned, ":ada:love"), lineOf(busy), lineOf(good, ":bob:s3cret")]);
  await using session = new Session({ proxy: pool, retry: quick });

  const first = await session.get("http://shop.test/");
  const second = await session.get("http://shop.test/");

  assert.equal(await first.text(), "welcome");
  assert.deepEqual(
    first.attempts.map(({ status, error, delay }) => [status ?? error?.code, delay]),
    [
      ["ERR_PROXY", 0],
      [403, 0],
      [429, 0],
      [200, undefined],
    ],
  );
  assert.equal(second.attempts.length, 1);
  assert.equal(banned.requests[0]?.headers["proxy-authorization"], `Basic ${btoa("ada:love")}`);
  assert.equal(good.requests[0]?.headers["proxy-authorization"], `Basic ${btoa("bob:s3cret")}`);
  assert.deepEqual([banned.requests.length, busy.requests.length, good.requests.length], [1, 1, 2]);
});

test("a tunnel that a proxy refuses or cuts is tried through another proxy, also for a POST, and the origin receives it once", async () => {
  const { ca, good: certificate } = await certificates();
  await using origin = await faultOrigin({
    routes: { "/": [respond(200, { body: "here" })] },
    tls: certificate,
  });
  const target = `localhost:${origin.port}`;
  await using wantsMore = await faultOrigin({ routes: { [target]: [respond(407)] } });
  await using cutting = await faultOrigin({ routes: { [target]: [reset()] } });
  await using good = await faultOrigin({
    routes: { [target]: [tunnel({ host: "127.0.0.1", port: origin.port })] },
  });
  const pool = new ProxyPool([wantsMore, cutting, good].map((proxy) => lineOf(proxy)));
  await using session = new Session({ proxy: pool, retry: quick, tls: { ca: ca.cert } });

  const response = await session.post(`https://${target}/`, { body: "x" });

  assert.equal(await response.text(), "here");
  assert.equal(response.attempts.length, 3);
  assert.equal(origin.attempts("/"), 1);
});

test("identities through one proxy have separate connections and cookies", async () => {
  let number = 0;
  await using proxy = await faultOrigin({
    routes: {
      "*": ({ headers }) =>
        respond(200, {
          body: headers["cookie"] ?? "new",
          headers: { "set-cookie": `id=${(number += 1)}; Path=/` },
        }),
    },
  });
  const pool = new ProxyPool([lineOf(proxy)]);
  await using session = new Session({ proxy: pool });
  const ask = async (account: string): Promise<string> =>
    (await session.get("http://shop.test/", { proxy: { identity: account } })).text();

  assert.deepEqual(
    [await ask("ada"), await ask("bob"), await ask("ada"), await ask("bob")],
    ["new", "new", "id=1", "id=2"],
  );
  assert.equal(proxy.connections, 2);
});

test("a streamed body that breaks off counts against its proxy", async () => {
  await using proxy = await faultOrigin({
    routes: { "*": () => raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome") },
  });
  const pool = new ProxyPool([
    { url: lineOf(proxy), country: "us" },
    { url: lineOf(proxy, ":ada:love"), country: "de" },
  ]);
  await using session = new Session({ proxy: pool, retry: quick });

  for (let time = 0; time < 6; time += 1) {
    const response = await session.get("http://shop.test/", { stream: true, proxy: { country: "us" } });
    await assert.rejects(response.text());
    assert.equal(response.attempts[0]?.proxy, new URL(proxy.url).origin);
  }

  const [stats] = pool.stats().proxies;
  assert.equal(stats?.activeCooldowns[0]?.reason, "incomplete-body");
  assert.deepEqual([stats?.requests, stats?.successes, stats?.failures], [6, 0, 6]);
});

const root = join(import.meta.dirname, "..");
const page = await readFile(join(root, "docs/reference/proxies.md"), "utf8");
const sourceOf = (name: string): Promise<string> =>
  readFile(join(root, "packages/proxies/src", `${name}.ts`), "utf8");

test("docs/reference/proxies.md names every event and every rotation, and no other event", async () => {
  const events = [...(await sourceOf("options/events")).matchAll(/readonly type: ([^;]+);/g)].flatMap(
    ([, names = ""]) => names.split(" | ").map((name) => name.slice(1, -1)),
  );
  const table = /\| event \| when \|\n\|---\|---\|\n((?:\|.*\n)+)/.exec(page)?.[1] ?? "";
  const named = [...table.matchAll(/^\| ([^|]*) \|/gm)].flatMap(
    ([, names = ""]) => names.match(/[\w-]+/g) ?? [],
  );
  const rotations =
    (await sourceOf("rules/rotation")).match(/type RotationName = ([^;]+);/)?.[1]?.match(/[\w-]+/g) ?? [];

  assert.deepEqual(named.toSorted(), events.toSorted());
  assert.equal(rotations.length, 5);
  for (const rotation of rotations) assert.ok(page.includes(`"${rotation}"`), rotation);
});

test("docs/reference/proxies.md has the defaults of the code", () => {
  const { rotation, cooldown, maxCooldown, retireAfter, whenEmpty, maxIdentities, identityIdle } =
    proxyPoolDefaults;
  const documented = (name: string): string =>
    new RegExp(`^\\| \`${name}\` \\| ([^|]*) \\|`, "m").exec(page)?.[1] ?? "";
  const duration = (name: string): number =>
    toMs(documented(name).replace(" ", "").replace("min", "m") as Duration);

  assert.equal(documented("rotation"), `\`"${rotation}"\``);
  assert.equal(documented("whenEmpty"), `\`"${whenEmpty}"\``);
  assert.deepEqual([duration("cooldown"), duration("maxCooldown")], [cooldown, maxCooldown]);
  assert.equal(documented("retireAfter"), String(retireAfter));
  assert.equal(documented("maxIdentities").replace(" ", ""), String(maxIdentities));
  assert.equal(duration("identityIdle"), identityIdle);
});
