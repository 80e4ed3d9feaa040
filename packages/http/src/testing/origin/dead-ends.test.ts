import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { blackhole, faultOrigin, refusedPort, respond } from "../index.ts";

test("refusedPort returns a port that refuses connections until an origin listens on it", async (t) => {
  const port = await refusedPort();

  const [error]: unknown[] = await once(connect(port, "127.0.0.1"), "close").catch((refusal: unknown) => [
    refusal,
  ]);
  const origin = await faultOrigin({ port, routes: { "/": respond(204) } });
  t.after(() => origin.close());
  const { status } = await fetch(origin.url);

  await origin.close();
  assert.match(String(error), /ECONNREFUSED/);
  assert.equal(status, 204);
});

test("a blackhole neither accepts nor refuses a connection", async (t) => {
  const origin = await faultOrigin();
  t.after(() => origin.close());
  const hole = await blackhole({ host: "127.0.0.2", port: origin.port });
  const socket = connect(hole.port, hole.host);
  let received = "nothing";
  for (const event of ["connect", "error", "close"]) socket.on(event, () => (received = event));

  await new Promise((resolve) => setTimeout(resolve, 400));

  assert.equal(received, "nothing");
  assert.equal(hole.port, origin.port);
  socket.destroy();
  await Promise.all([hole.close(), origin.close()]);
});

test("blackhole rejects when its port is in use", async (t) => {
  const origin = await faultOrigin();
  t.after(() => origin.close());

  await assert.rejects(blackhole({ port: origin.port }), /EADDRINUSE/);

  await origin.close();
});
