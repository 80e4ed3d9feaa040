import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { InvalidUrlError } from "@holdfast/http";
import { checkProxies } from "./check-proxies.ts";
import { faultOrigin, refusedPort, respond, type Reply } from "@holdfast/http/testing";

test("checkProxies checks at most `concurrency` proxies at a time, and returns them in the order of the list", async () => {
  let [now, most] = [0, 0];
  await using proxy = await faultOrigin({
    routes: {
      "*": async (): Promise<Reply> => {
        most = Math.max(most, (now += 1));
        for (let turn = 0; turn < 20; turn += 1) await nextTurn();
        now -= 1;
        return respond(200, { body: "203.0.113.9" });
      },
    },
  });
  const { host } = new URL(proxy.url);
  const list = Array.from({ length: 12 }, (_, index) => `${host}:user${index}:love\n`).join("");

  const { proxies, faults } = await checkProxies(list, { url: "http://shop.test/ip", concurrency: 3 });

  assert.equal(most, 3);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    proxies.map((each) => [each.proxy, each.works, each.kind, each.exit]),
    Array.from({ length: 12 }, (_, index) => [
      `http://${host}${index === 0 ? "" : ` #${index + 1}`}`,
      true,
      "http",
      "203.0.113.9",
    ]),
  );
});

test("checkProxies tries no other protocol on a closed port, fills a template, and names the place of an invalid line", async () => {
  await using gateway = await faultOrigin({ routes: { "*": () => respond(200) } });
  const gone = `127.0.0.1:${await refusedPort()}`;
  const list = [gone, `u-{session:hex6}-{country}:love@${new URL(gateway.url).host}`, "s3cret"].join("\n");

  const { proxies, faults } = await checkProxies(list, {
    url: "http://shop.test/",
    name: "mine.txt",
    country: "us",
  });

  assert.deepEqual(
    proxies.map(({ works, failure }) => [works, failure?.reason, failure?.fault]),
    [
      [false, "unreachable", "proxy"],
      [true, undefined, undefined],
    ],
  );
  const header = gateway.requests[0]?.headers["proxy-authorization"]?.toString() ?? "";
  assert.match(atob(header.replace("Basic ", "")), /^u-[\da-f]{6}-us:love$/);
  assert.match(faults.join(), /^mine\.txt:3: /);
  assert.doesNotMatch(faults.join(), /s3cret/);
});

test("checkProxies reports a template without a country, and checks the other proxies", async () => {
  await using gateway = await faultOrigin({ routes: { "*": () => respond(200) } });
  const { host } = new URL(gateway.url);
  const list = [`u-{country}:love@${host}`, `u(-{country}):love@${host}`].join("\n");

  const { proxies } = await checkProxies(list, { url: "http://shop.test/" });

  assert.deepEqual(
    proxies.map(({ works, failure }) => [works, failure?.reason]),
    [
      [false, "no-country"],
      [true, undefined],
    ],
  );
});

test("a proxy that rejects the request has the protocol of its reply", async () => {
  await using locked = await faultOrigin({ routes: { "*": () => respond(407) } });

  const { proxies } = await checkProxies(new URL(locked.url).host, { url: "http://shop.test/" });

  assert.deepEqual([proxies[0]?.kind, proxies[0]?.failure?.reason], ["http", "auth"]);
});

test("checkProxies rejects an invalid URL", async () => {
  await assert.rejects(checkProxies("a.test:1", { url: "no url" }), InvalidUrlError);
});
