import assert from "node:assert/strict";
import { once } from "node:events";
import { TLSSocket } from "node:tls";
import { test } from "node:test";
import { faultOrigin, respond, selfSigned, socksProxy } from "../../testing/index.ts";
import { createConnector, type Connector } from "./connector.ts";

const signal = new AbortController().signal;

test("a TLS session is resumed only through the proxy that it was created through", async () => {
  const identity = selfSigned();
  await using origin = await faultOrigin({ routes: { "/": respond(200) }, tls: identity });
  await using proxy = await socksProxy();
  const through = (user: string): Connector =>
    createConnector({ tls: { ca: identity.cert } }, new URL(`socks5h://${user}@${proxy.host}`));
  /** Whether the handshake resumed a session. */
  const resumes = async (connect: Connector): Promise<boolean> => {
    const socket = await connect(
      new URL(`https://localhost:${origin.port}`),
      { connectLimit: 20_000 },
      signal,
    );
    assert.ok(socket instanceof TLSSocket);
    const resumed = socket.isSessionReused();
    if (!resumed) {
      const kept = once(socket, "session");
      socket.resume();
      await kept;
    }
    socket.destroy();
    return resumed;
  };
  const [ada, eve] = [through("ada"), through("eve")];

  assert.deepEqual(
    [await resumes(ada), await resumes(ada), await resumes(eve), await resumes(eve)],
    [false, true, false, true],
  );
});
