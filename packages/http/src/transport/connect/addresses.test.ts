import assert from "node:assert/strict";
import net from "node:net";
import { mock, test } from "node:test";
import { HttpAdapter } from "../../adapter/adapter.ts";
import type { HttpAdapterOptions } from "../../adapter/options.ts";
import { Retry } from "../../retry/retry.ts";
import { Session } from "../../session/session.ts";
import { faultOrigin, respond } from "../../testing/index.ts";

const retry = new Retry({ total: 0 });
const routes = { "/": respond(200, { body: "here" }) };

/** Returns the error that a GET through an adapter with these options rejects with. */
async function errorOf(options: HttpAdapterOptions, url: string): Promise<unknown> {
  await using session = new Session({ retry, trustEnvironment: false });
  session.mount("http://", new HttpAdapter(options));
  return await session.get(url).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("net.connect receives the name of the host and a lookup that returns the address", async () => {
  await using origin = await faultOrigin({ routes });
  const connect = mock.method(net, "connect");

  try {
    await using session = new Session({
      lookup: () => Promise.resolve(["127.0.0.1"]),
      trustEnvironment: false,
    });
    const text = await session.get(`http://Api.test:${origin.port}/`).text();

    assert.equal(text, "here");
    const [given] = connect.mock.calls.map(({ arguments: [options] }) => Object(options));
    assert.deepEqual([given.host, given.port], ["api.test", origin.port]);
    const results: unknown[] = [];
    given.lookup("api.test", {}, (...result: unknown[]) => results.push(result));
    given.lookup("api.test", { all: true }, (...result: unknown[]) => results.push(result));
    assert.deepEqual(results, [
      [null, "127.0.0.1", 4],
      [null, [{ address: "127.0.0.1", family: 4 }]],
    ]);
  } finally {
    connect.mock.restore();
  }
});

test("family keeps the addresses of one family", async () => {
  await using origin = await faultOrigin({ routes });
  const hosts: string[] = [];
  const lookup = (hostname: string): Promise<readonly string[]> => {
    hosts.push(hostname);
    return Promise.resolve(["::1", "127.0.0.1"]);
  };
  await using session = new Session({ retry, trustEnvironment: false, family: 4, lookup });

  const response = await session.get(`http://both.test:${origin.port}/`);
  const byAddress = await session.get(origin.url);

  assert.deepEqual([response.status, byAddress.status, hosts], [200, 200, ["both.test"]]);
  assert.match(
    String(await errorOf({ family: 6, lookup: async () => ["127.0.0.1"] }, "http://both.test/")),
    /has no IPv6 address/,
  );
});

test("localAddress is the address of the client, and chooses the family of the server's address", async () => {
  const clients: (string | undefined)[] = [];
  const server = net.createServer((socket) => {
    clients.push(socket.remoteAddress);
    socket.end("HTTP/1.1 204 No Content\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;

  try {
    await using session = new Session({
      retry,
      trustEnvironment: false,
      localAddress: "127.0.0.7",
      lookup: () => Promise.resolve(["::1", "127.0.0.1"]),
    });
    await session.get(`http://both.test:${port}/`);
  } finally {
    server.close();
  }

  assert.deepEqual(clients, ["127.0.0.7"]);
});

test("a lookup that returns something other than addresses causes a TypeError", async () => {
  for (const returned of [undefined, "127.0.0.1", [{ address: "127.0.0.1" }], ["localhost"]]) {
    const lookup = (): Promise<never> => Promise.resolve(returned as never);

    const error = await errorOf({ lookup }, "http://named.test/");

    assert.ok(error instanceof TypeError, String(error));
    assert.match(error.message, /lookup must return a promise of a list of IP addresses/);
  }
});

test("an adapter rejects an unknown family and a localAddress that is not an IP address", () => {
  assert.throws(
    () => new Session({ family: 5 as never }),
    /Session\.family takes 4 for IPv4 or 6 for IPv6, got 5/,
  );
  assert.throws(
    () => new HttpAdapter({ localAddress: "eth0" }),
    /HttpAdapter\.localAddress takes an IP address/,
  );
  assert.throws(() => new Session({ ["localAdress" as never]: "127.0.0.1" }), /did you mean localAddress\?/);
});
