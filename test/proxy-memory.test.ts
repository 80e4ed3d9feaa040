import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { faultOrigin, respond, socksProxy } from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";
import { runProgram } from "./support/child.ts";

test("ten thousand sticky sessions through a proxy leave heap and sockets unchanged", async () => {
  const routes = { "/": respond(200, { body: "here" }) };
  await using plain = await faultOrigin({ routes, maxRecorded: 0 });
  await using secure = await faultOrigin({ routes, tls: (await certificates()).good, maxRecorded: 0 });
  await using proxy = await socksProxy({
    credentials: { user: "?", password: "?" },
    turns: { credentials: [{ send: Buffer.from([1, 0]) }] },
  });
  const program = join(import.meta.dirname, "faults", "programs", "sticky-proxies.ts");
  const args = [proxy.host, `${plain.url}/`, `https://localhost:${secure.port}/`];
  let mostConnections = 0;
  const look = setInterval(() => (mostConnections = Math.max(mostConnections, proxy.openConnections)), 5);

  const { code, stdout, stderr } = await runProgram(process.execPath, [
    "--conditions=source",
    "--expose-gc",
    program,
    ...args,
  ]);

  clearInterval(look);
  assert.deepEqual([code, stderr], [0, ""]);
  const { early = NaN, late = NaN }: Readonly<Record<string, number>> = JSON.parse(stdout);
  assert.equal(new Set(proxy.users.map(({ user }) => user)).size, 10_000);
  assert.ok(late < early * 1.25, `The heap grew from ${early} to ${late} bytes`);
  // Twenty at a time, and those that are about to close.
  assert.ok(mostConnections <= 100, `${mostConnections} connections at once`);
});
