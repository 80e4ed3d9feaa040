import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { faultOrigin, respond } from "@holdfast/http/testing";
import { getPort } from "../support/loopback-server.ts";
import { sessionFor } from "./scenario.ts";

test("idle connections to all origins together are bounded, and the longest idle is closed first", async () => {
  const routes = { "/": respond(200) };
  await using first = await faultOrigin({ routes });
  await using second = await faultOrigin({ routes });
  await using third = await faultOrigin({ routes });
  await using session = await sessionFor({ adapter: { maxIdleConnections: 2 } });

  for (const { url } of [first, second, third, second, third, first]) await session.get(`${url}/`);

  assert.deepEqual(
    [first, second, third].map(({ connections }) => connections),
    [2, 1, 1],
  );
});

test("an idle HTTP/2 connection counts among the idle connections", async () => {
  const { certificates } = await import("../support/certificates.ts");
  const { good, ca } = await certificates();
  const routes = { "/": respond(200) };
  await using first = await faultOrigin({ routes, tls: good, http2: true });
  await using second = await faultOrigin({ routes, tls: good, http2: true });
  await using session = await sessionFor({
    adapter: { maxIdleConnections: 1, http2: true, tls: { ca: ca.cert } },
  });

  for (const { url } of [first, first, second, first]) await session.get(`${url}/`);

  assert.deepEqual([first.connections, second.connections], [2, 1]);
});

test("a process without free file descriptors closes idle connections, and the attempt goes on", async () => {
  const server = createServer((_request, response) => response.end("ok")).listen(0, "0.0.0.0");
  await once(server, "listening");
  const program = fileURLToPath(new URL("programs/few-descriptors.ts", import.meta.url));
  const command = `ulimit -n 100 && exec "$0" --conditions=source "$@"`;

  const { stdout } = await promisify(execFile)("sh", [
    "-c",
    command,
    process.execPath,
    program,
    String(getPort(server)),
    "20",
    "15",
  ]);

  server.close();
  server.closeAllConnections();
  assert.deepEqual(
    JSON.parse(stdout),
    Array.from({ length: 15 }, () => 1),
  );
});
