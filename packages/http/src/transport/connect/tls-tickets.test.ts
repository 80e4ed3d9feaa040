import assert from "node:assert/strict";
import { test } from "node:test";
import { TlsTickets } from "./tls.ts";

test("all connectors together keep the tickets of 1,000 hosts, and forget the oldest", () => {
  const tickets = new TlsTickets();
  const [direct, proxied] = [tickets.createCache(), tickets.createCache()];

  for (let host = 0; host < 600; host += 1) {
    direct.set(`h${host}.test`, Buffer.of(1));
    proxied.set(`h${host}.test`, Buffer.of(2));
  }

  const kept = (cache: typeof direct): number =>
    Array.from({ length: 600 }, (_, host) => cache.get(`h${host}.test`)).filter((it) => it !== undefined)
      .length;
  assert.deepEqual([kept(direct), kept(proxied)], [500, 500]);
  assert.deepEqual(
    [direct.get("h0.test"), direct.get("h599.test")?.[0], proxied.get("h599.test")?.[0]],
    [undefined, 1, 2],
  );
});
