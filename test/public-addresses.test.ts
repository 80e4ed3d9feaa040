import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { TLSSocket } from "node:tls";
import { createServer as createHttpsServer } from "node:https";
import { AddressNotAllowedError, HttpAdapter, Session, type SessionOptions } from "@holdfast/http";
import { ProxyPool } from "@holdfast/proxies";
import { socksProxy } from "@holdfast/http/testing";
import { certificates } from "./support/certificates.ts";
import { startHoldfast } from "./support/holdfast.ts";

interface Origin {
  readonly port: number;
  /** The addresses at which requests arrived, with their path and Host. */
  readonly visits: readonly string[];
}

/** Serves all loopback addresses of IPv4. `/to/…` redirects to the rest of its path, and each response closes the connection. */
async function startOrigin(t: TestContext): Promise<Origin> {
  const visits: string[] = [];
  const server = createHttpServer((request, response) => {
    const { url = "", headers } = request;
    visits.push(`${request.socket.localAddress} ${headers.host} ${url}`);
    const [, location] = /^\/to\/(.*)/.exec(url) ?? [];
    if (location !== undefined) response.writeHead(302, { location: decodeURIComponent(location) });
    response.shouldKeepAlive = false;
    response.end("here");
  });
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, visits };
}

function openSession(t: TestContext, options: SessionOptions = {}): Session {
  const session = new Session({ addresses: "public", trustEnvironment: false, ...options });
  t.after(() => session.close());
  return session;
}

/** Asserts that a request is refused at the first attempt, and returns the error. */
async function assertRefused(session: Session, url: string): Promise<AddressNotAllowedError> {
  const error: unknown = await session.get(url).then(
    () => assert.fail(`${url} was fetched`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AddressNotAllowedError, `${url}: ${String(error)}`);
  assert.equal(error.code, "ERR_ADDRESS_NOT_ALLOWED");
  assert.equal(error.mayHaveArrived, false);
  const { attempts, verdict } = error as unknown as {
    attempts: readonly unknown[];
    verdict: { kind: string };
  };
  assert.equal(attempts.length, 1, url);
  assert.equal(verdict.kind, "rejected");
  return error;
}

test("a session for public addresses refuses this machine in every spelling, and connects to nothing", async (t) => {
  const { port, visits } = await startOrigin(t);
  const session = openSession(t);
  const hosts = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "１２７。０。０。１",
    "0",
    "0.0.0.0",
    "localhost",
    "LocalHost",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "169.254.169.254",
    "10.0.0.1",
  ];

  for (const host of hosts) await assertRefused(session, `http://${host}:${port}/`);
  await assertRefused(session, `https://127.0.0.1:${port}/`);

  const streamed = await session
    .get(`http://127.0.0.1:${port}/`, { stream: true })
    .catch((error: unknown) => error);
  assert.ok(streamed instanceof AddressNotAllowedError);
  assert.match(streamed.message, /127\.0\.0\.1 is not public \(loopback\).*allowAddresses/);
  assert.equal(streamed.address, "127.0.0.1");
  assert.deepEqual(visits, []);
});

test("a session for public addresses checks each address that a lookup returns, and connects to the one it checked", async (t) => {
  const { port, visits } = await startOrigin(t);
  const answers = [
    ["127.0.0.2"],
    ["127.0.0.1", "127.0.0.3"],
    ["127.0.0.1"],
    ["::ffff:127.0.0.1"],
    ["fe80::1%lo"],
    ["127.0.0.2"],
  ];
  let lookups = 0;
  const session = openSession(t, {
    allowAddresses: ["127.0.0.2/31"],
    lookup: () => Promise.resolve(answers[lookups++] ?? []),
  });
  const url = `http://rebinding.test:${port}/`;

  await session.get(url);
  await session.get(url);
  for (const _ of [1, 2, 3]) await assertRefused(session, url);
  await session.get(url);

  assert.equal(lookups, answers.length);
  const host = `rebinding.test:${port} /`;
  assert.deepEqual(visits, [`127.0.0.2 ${host}`, `127.0.0.3 ${host}`, `127.0.0.2 ${host}`]);
});

test("a session for public addresses does not follow a redirect to a private address", async (t) => {
  const { port, visits } = await startOrigin(t);
  const session = openSession(t, {
    allowAddresses: ["127.0.0.2"],
    lookup: (name) => Promise.resolve([name === "inside.test" ? "127.0.0.1" : "127.0.0.2"]),
  });

  for (const host of ["inside.test", "127.0.0.1", "2130706433", "[::1]", "169.254.169.254"]) {
    const target = encodeURIComponent(`http://${host}:${port}/secret`);
    const error: unknown = await session
      .get(`http://outside.test:${port}/to/${target}`)
      .catch((reason: unknown) => reason);
    assert.ok(error instanceof AddressNotAllowedError, host);
  }

  assert.equal(visits.filter((visit) => visit.includes("/secret")).length, 0);
  assert.equal(visits.length, 5);
});

test("a mounted adapter for public addresses refuses others, and the session's own adapter does not", async (t) => {
  const { port, visits } = await startOrigin(t);
  const session = openSession(t, { addresses: "any" });
  session.mount("http://127.0.0.1", new HttpAdapter({ addresses: "public" }));

  await session.get(`http://127.0.0.2:${port}/`);
  await assertRefused(session, `http://127.0.0.1:${port}/`);

  assert.equal(visits.length, 1);
});

test("a session for public addresses refuses Unix sockets", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-addresses-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "daemon");
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.end();
  }).listen(path);
  await once(server, "listening");
  t.after(() => server.close());

  await assertRefused(openSession(t, { socketPath: path }), "/");
  await assertRefused(openSession(t, { enableUnixSockets: true }), `unix:${path}:/`);

  assert.equal(connections, 0);
});

/** Starts a proxy that forwards and opens tunnels, and records the first lines of requests. */
async function startProxy(
  t: TestContext,
): Promise<{ readonly url: string; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const server = createHttpServer((request, response) => {
    lines.push(`${request.method} ${request.url}`);
    response.end("forwarded");
  });
  server.on("connect", ({ url = "" }, socket) => {
    lines.push(`CONNECT ${url}`);
    const target = new URL(`http://${url}`);
    const upstream = connect(Number(target.port), target.hostname, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const each of [upstream, socket]) each.on("error", () => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, lines };
}

test("a tunnel receives the checked address, and TLS and Host the name", async (t) => {
  const made = await certificates();
  const seen: string[] = [];
  const origin = createHttpsServer(made.good, (request, response) => {
    seen.push(
      `${(request.socket as TLSSocket & { servername?: string }).servername} ${request.headers.host}`,
    );
    response.end("secure");
  });
  origin.listen(0, "127.0.0.2");
  await once(origin, "listening");
  t.after(() => {
    origin.close();
    origin.closeAllConnections();
  });
  const { port } = origin.address() as AddressInfo;
  const http = await startProxy(t);
  const socks = await socksProxy();
  t.after(() => socks.close());
  const schemes = ["socks5", "socks5h", "socks4", "socks4a"].map((scheme) => `${scheme}://${socks.host}`);

  for (const proxy of [http.url, ...schemes]) {
    const options = {
      proxy,
      tls: { ca: made.ca.cert },
      lookup: () => Promise.resolve(["127.0.0.1", "127.0.0.2"]),
    };
    const session = openSession(t, { ...options, allowAddresses: ["127.0.0.2"] });
    assert.equal(await session.get(`https://localhost:${port}/`).text(), "secure", proxy);
    await assertRefused(openSession(t, options), `https://localhost:${port}/`);
    await assertRefused(openSession(t, options), `https://127.0.0.1:${port}/`);
  }

  assert.deepEqual(http.lines, [`CONNECT 127.0.0.2:${port}`]);
  assert.deepEqual(
    socks.requests.map(({ host }) => host),
    schemes.map(() => "127.0.0.2"),
  );
  assert.deepEqual(
    seen,
    [http.url, ...schemes].map(() => `localhost localhost:${port}`),
  );
});

test("a proxy for plain http receives a name only with proxyResolves", async (t) => {
  const { url: proxy, lines } = await startProxy(t);
  const lookup = (): Promise<readonly string[]> => assert.fail("The name was looked up");
  const strict = openSession(t, { proxy, lookup, allowAddresses: ["127.0.0.9"] });
  const lenient = openSession(t, { proxy, lookup, proxyResolves: true });

  const error = await assertRefused(strict, "http://site.test/");
  assert.match(error.message, /the proxy would look it up.*https, or proxyResolves: true/);
  await assertRefused(strict, "http://127.0.0.1/");
  await assertRefused(lenient, "http://[::ffff:127.0.0.1]/");
  assert.equal(await strict.get("http://127.0.0.9/").text(), "forwarded");
  assert.equal(await lenient.get("http://site.test/").text(), "forwarded");

  assert.deepEqual(lines, ["GET http://127.0.0.9/", "GET http://site.test/"]);
});

test("a refused address is no failure of the proxies of a pool", async (t) => {
  const { url, lines } = await startProxy(t);
  const pool = new ProxyPool([url, url.replace("127.0.0.1", "127.0.0.2")]);
  const session = openSession(t, { proxy: pool });

  for (const _ of [1, 2, 3]) await assertRefused(session, "https://127.0.0.1/");

  assert.deepEqual(lines, []);
  assert.deepEqual(
    pool.stats().proxies.map(({ state, failures, blocks }) => [state, failures, blocks]),
    [
      ["available", 0, 0],
      ["available", 0, 0],
    ],
  );
});

test("holdfast with --public-only refuses this machine, and says so once per line", async (t) => {
  const { port, visits } = await startOrigin(t);
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-addresses-"));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const urls = [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`];

  const run = await startHoldfast(["run", ...urls, "-o", "out", "--public-only"], { cwd }).ended;
  const get = await startHoldfast(["get", urls[0] ?? "", "--public-only"], { cwd }).ended;

  assert.deepEqual([run.code, get.code], [3, 3]);
  assert.match(run.err, /2 failed: address-not-allowed/);
  assert.match(get.err, /127\.0\.0\.1 is not public \(loopback\)/);
  assert.match(get.err, /--allow-address/);
  assert.deepEqual(visits, []);
});

test("holdfast --allow-address opens ranges of --public-only, from a file of options, too", async (t) => {
  const { port, visits } = await startOrigin(t);
  const cwd = await mkdtemp(join(tmpdir(), "holdfast-addresses-"));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const url = `http://127.0.0.1:${port}/`;
  await writeFile(join(cwd, "open.json"), '{ "public-only": true, "allow-address": ["::1", "127.0.0.0/8"] }');

  const flags = ["--public-only", "--allow-address", "::1", "--allow-address", "127.0.0.0/8"];
  const get = await startHoldfast(["get", url, ...flags], { cwd }).ended;
  const run = await startHoldfast(["run", url, "-o", "out", "--config", "open.json"], { cwd }).ended;

  assert.deepEqual([get.code, run.code], [0, 0], get.err + run.err);
  assert.equal(visits.length, 2);
});

for (const [flags, message] of [
  [["--allow-address", "10.0.0.0/8"], /--allow-address needs --public-only/],
  [["--proxy-resolves"], /--proxy-resolves needs --public-only/],
  [["--public-only", "--allow-address", "10.0.0.0/33"], /--allow-address must be an IP address or a range/],
  [["--public-only", "--allow-address", "localhost"], /--allow-address must be an IP address or a range/],
] as const)
  test(`holdfast get ${flags.join(" ")} is a wrong command line`, async () => {
    const cwd = tmpdir();

    const { code, err } = await startHoldfast(["get", "http://127.0.0.1:9/", ...flags], { cwd }).ended;

    assert.equal(code, 2);
    assert.match(err, message);
  });

test("holdfast --proxy-resolves lets a proxy look up a name that it cannot check", async (t) => {
  const { port, visits } = await startOrigin(t);
  const [url, cwd] = ["http://name.test/", tmpdir()];
  const flags = ["--public-only", "--proxy", `http://127.0.0.1:${port}`, "--attempts", "1"];

  const refused = await startHoldfast(["get", url, ...flags], { cwd }).ended;
  const sent = await startHoldfast(["get", url, ...flags, "--proxy-resolves"], { cwd }).ended;

  assert.match(refused.err, /cannot be checked.*--proxy-resolves/);
  assert.equal(sent.code, 0, sent.err);
  assert.deepEqual(visits.length, 1);
});
