import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { Session } from "@holdfast/http";

const connections = 1_024;
const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const good = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood";

interface Origin extends AsyncDisposable {
  readonly url: string;
  readonly accepted: () => number;
}

/** Serves requests for "/poisoned" with `respond`, and all others with a good response. */
async function origin(respond: (socket: Socket) => void): Promise<Origin> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      if (!bytes.includes("\r\n\r\n")) return;
      if (bytes.includes(" /poisoned ")) respond(socket);
      else socket.write(good);
    });
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: connections });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    accepted: () => accepted,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const heads = {
  GET: good,
  HEAD: "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n",
  DELETE: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
} as const;

const deliveries: Readonly<Record<string, (socket: Socket, head: string) => void>> = {
  "in one piece with it": (socket, head) => void socket.write(head + poison),
  "in a piece of its own": (socket, head) => {
    socket.write(head);
    socket.write(poison);
  },
};

for (const method of ["GET", "HEAD", "DELETE"] as const) {
  for (const [how, deliver] of Object.entries(deliveries)) {
    test(`${connections} responses to ${method} with another response behind them, ${how}: no later request receives it`, async () => {
      await using server = await origin((socket) => deliver(socket, heads[method]));
      await using session = new Session({
        maxConnections: connections,
        timeout: { connect: "60s", read: "60s" },
        trustEnvironment: false,
      });
      const body = method === "DELETE" ? { body: "x" } : {};
      const bodies: string[] = [];
      const play = async (): Promise<void> => {
        const first = await session.request(method, `${server.url}/poisoned`, body);
        assert.equal(first.status, 200);
        const next = await session.get(`${server.url}/next`);
        bodies.push(await next.text());
      };

      await Promise.all(Array.from({ length: connections }, play));

      assert.deepEqual(new Set(bodies), new Set(["good"]));
      assert.ok(server.accepted() >= connections);
    });
  }
}

test("poison that arrives on idle connections closes them, and no later request receives it", async () => {
  let poisonAll: (() => void)[] = [];
  await using server = await origin((socket) => {
    socket.write(heads.HEAD);
    poisonAll.push(() => socket.write(poison));
  });
  await using session = new Session({ maxConnections: connections, trustEnvironment: false });
  const urls = Array.from({ length: connections }, (_, index) => `${server.url}/${index}`);

  await Promise.all(urls.map(() => session.head(`${server.url}/poisoned`)));
  for (const write of poisonAll) write();
  poisonAll = [];
  const bodies = await Promise.all(
    urls.map(async (url) => {
      const response = await session.get(url);
      return response.text();
    }),
  );

  assert.deepEqual(new Set(bodies), new Set(["good"]));
});

for (const method of ["HEAD", "DELETE"] as const) {
  test(`200 requests of ${method} use one connection`, async () => {
    await using server = await origin((socket) => void socket.write(heads[method]));
    await using session = new Session({ trustEnvironment: false });

    for (let count = 0; count < 200; count += 1)
      await session.request(method, `${server.url}/poisoned`, method === "DELETE" ? { body: "x" } : {});

    assert.equal(server.accepted(), 1);
  });
}
