import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { ProxyError, Retry, Session } from "@holdfast/http";
import { ProxyPool } from "@holdfast/proxies";
import { faultOrigin, respond, socksProxy, type FaultOrigin, type Reply } from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";

interface Proxy {
  readonly url: string;
  readonly host: string;
  /** The method and the target of each request. */
  readonly requests: readonly string[];
}

/** Starts a proxy that forwards and opens tunnels for `ada:love`, and responds to others with 407. */
async function startProxy(t: TestContext, { connects = true } = {}): Promise<Proxy> {
  const requests: string[] = [];
  const credentials = `Basic ${btoa("ada:love")}`;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.headers["proxy-authorization"] !== credentials) return void response.writeHead(407).end();
    const { method, headers, url = "" } = request;
    httpRequest(url, { method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.statusMessage, reply.headers);
      reply.pipe(response);
    }).end();
  });
  server.on("connect", ({ url = "", headers }, socket) => {
    requests.push(`CONNECT ${url}`);
    socket.on("error", () => undefined);
    if (!connects) return void socket.end("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    if (headers["proxy-authorization"] !== credentials)
      return void socket.end("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n");
    const { hostname, port } = new URL(`http://${url}`);
    const upstream = connect(Number(port || 80), hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    }).on("error", () => socket.end("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url: `http://${host}`, host, requests };
}

const accusations: Readonly<Record<string, Reply>> = {
  "407": respond(407, { headers: { "proxy-authenticate": 'Basic realm="x"' } }),
  "511": respond(511),
  "590": respond(590),
  "a squid page": respond(403, {
    headers: { "x-squid-error": "ERR_CACHE_ACCESS_DENIED 0", server: "squid/6.6" },
  }),
  "a tinyproxy page": respond(407, { headers: { server: "tinyproxy/1.11.1" } }),
  "a tinyproxy page about the account": respond(402, { headers: { server: "tinyproxy/1.11.1" } }),
};

async function startOrigins(
  t: TestContext,
  reply: Reply,
): Promise<{ readonly evil: FaultOrigin; readonly good: FaultOrigin }> {
  const evil = await faultOrigin({ routes: { "*": () => reply } });
  const good = await faultOrigin({ routes: { "*": () => respond(200, { body: "here" }) } });
  t.after(() => Promise.all([evil.close(), good.close()]));
  return { evil, good };
}

function openSession(t: TestContext, pool: ProxyPool, ca?: string): Session {
  const retry = new Retry({ total: 4, wait: () => 1, raiseOnStatus: false });
  const session = new Session({ proxy: pool, retry, ...(ca !== undefined && { tls: { ca } }) });
  t.after(() => session.close());
  return session;
}

const everywhere = (pool: ProxyPool): readonly (string | undefined)[] =>
  pool
    .stats()
    .proxies.map(({ activeCooldowns }) => activeCooldowns.find(({ host }) => host === undefined)?.reason);

for (const [name, reply] of Object.entries(accusations)) {
  test(`an origin that responds with ${name} over plain http takes no proxy from other hosts`, async (t) => {
    const { evil, good } = await startOrigins(t, reply);
    const proxies = await Promise.all([startProxy(t), startProxy(t), startProxy(t)]);
    const pool = new ProxyPool(proxies.map(({ host }) => `http://ada:love@${host}`));
    const session = openSession(t, pool);

    const first = await session.get(`${evil.url}/`).then(
      ({ status, verdict }) => ({ status, kind: verdict.kind }),
      (error: unknown) => ({ status: error instanceof ProxyError ? error.status : 0, kind: "error" }),
    );

    assert.notEqual(first.kind, "success");
    assert.deepEqual(everywhere(pool), [undefined, undefined, undefined]);
    assert.equal(await session.get(`${good.url}/`).text(), "here");
  });

  test(`an origin that responds with ${name} inside TLS or SOCKS is not taken for the proxy`, async (t) => {
    const { ca, good: certificate } = await certificates();
    const secure = await faultOrigin({ routes: { "*": () => reply }, tls: certificate });
    t.after(() => secure.close());
    const { evil } = await startOrigins(t, reply);
    const proxy = await startProxy(t);
    const socks = await socksProxy();
    t.after(() => socks.close());
    const pool = new ProxyPool([`http://ada:love@${proxy.host}`]);
    const plain = new ProxyPool([`socks5://${socks.host}`]);

    const responses = [
      await openSession(t, pool, ca.cert).get(`https://localhost:${secure.port}/`),
      await openSession(t, plain).get(`${evil.url}/`),
    ];

    for (const { verdict } of responses) assert.notEqual(verdict.kind, "success");
    assert.deepEqual([pool, plain].flatMap(everywhere), [undefined, undefined]);
    assert.equal(proxy.requests.length, 1);
  });
}

test("wrong credentials are recognised by one request to one origin, which the proxy settles by its reply to CONNECT", async (t) => {
  const { good } = await startOrigins(t, respond(200));
  const proxies = await Promise.all([startProxy(t), startProxy(t)]);
  const pool = new ProxyPool(proxies.map(({ host }) => `http://ada:wrong@${host}`));

  const error: unknown = await openSession(t, pool)
    .get(`${good.url}/`)
    .catch((reason: unknown) => reason);

  assert.ok(error instanceof Error);
  assert.deepEqual(everywhere(pool), ["proxy-auth", "proxy-auth"]);
  const { host } = new URL(good.url);
  for (const { requests } of proxies) assert.deepEqual(requests, [`GET ${good.url}/`, `CONNECT ${host}`]);
});

test("wrong credentials are recognised by two hosts where the proxy opens no tunnels", async (t) => {
  const { evil, good } = await startOrigins(t, respond(200));
  const proxy = await startProxy(t, { connects: false });
  const pool = new ProxyPool([`http://ada:wrong@${proxy.host}`]);
  const session = openSession(t, pool);

  await assert.rejects(session.get(`${good.url}/`));
  assert.deepEqual(everywhere(pool), [undefined]);
  await assert.rejects(session.get(`${evil.url}/`));

  assert.deepEqual(everywhere(pool), ["proxy-auth"]);
});
