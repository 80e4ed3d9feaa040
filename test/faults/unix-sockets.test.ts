import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { HttpAdapter, Retry, Session, type SessionOptions } from "@holdfast/http";
import { faultOrigin, redirect, respond, selfSigned } from "@holdfast/http/testing";
import { compose, type Policy } from "@holdfast/policy";

const folder = await mkdtemp(join(tmpdir(), "sockets-"));
after(() => rm(folder, { recursive: true, force: true }));
let sockets = 0;

interface SocketServer extends AsyncDisposable {
  readonly path: string;
  readonly requests: Pick<IncomingMessage, "method" | "url" | "headers">[];
}

/** Starts a server on a Unix socket. It redirects `/to?URL` to the URL. */
async function listen(name = `s${(sockets += 1)}.sock`): Promise<SocketServer> {
  const path = join(folder, name);
  const requests: SocketServer["requests"] = [];
  const server: Server = createServer((request, response) => {
    const { method, url = "", headers } = request;
    requests.push({ method, url, headers });
    if (url.startsWith("/to?")) response.writeHead(302, { location: decodeURIComponent(url.slice(4)) });
    if (url === "/cookie") response.setHeader("set-cookie", "a=1; Path=/");
    request.resume().on("end", () => response.end(`${name} ${method} ${url}`));
  });
  server.listen(path);
  await once(server, "listening");
  return {
    path,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const once1 = new Retry({ total: 0, raiseOnStatus: false });
const common: SessionOptions = { retry: once1, timeout: { total: "5s" } };

test("unix sockets: socketPath of a session takes every request, also from a proxy of the environment", async () => {
  await using server = await listen();
  await using session = new Session({ ...common, socketPath: server.path });
  process.env["http_proxy"] = "http://127.0.0.1:9";
  try {
    await using ambient = new Session({ ...common, socketPath: server.path });
    assert.equal(await ambient.get("/env").text(), "s1.sock GET /env");
  } finally {
    delete process.env["http_proxy"];
  }

  assert.equal(await session.get("/here?").text(), "s1.sock GET /here?");
  assert.equal(await session.post("http://named.test:81/there", { body: "x" }).text(), "s1.sock POST /there");
  await session.get("http://named.test/", { headers: { host: "own.test" } });
  const streamed = await session.get("/streamed", { stream: true });
  assert.equal(await streamed.text(), "s1.sock GET /streamed");

  assert.deepEqual(
    server.requests.map(({ headers }) => headers.host),
    ["localhost", "localhost", "localhost", "own.test", "localhost"],
  );
});

test("unix sockets: socketPath of a mounted adapter takes the requests to its prefix alone", async () => {
  await using server = await listen();
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "network" }) } });
  await using session = new Session({ ...common, trustEnvironment: false, proxy: origin.url });
  session.mount("http://docker/", new HttpAdapter({ socketPath: server.path }));

  assert.match(await session.get("http://docker/x").text(), /GET \/x$/);
  assert.equal(await session.get("http://other.test/x").text(), "network");
  assert.deepEqual(
    server.requests.map(({ headers }) => headers.host),
    ["localhost"],
  );
  await assert.rejects(
    Promise.resolve(session.get("http://docker/", { proxy: "http://127.0.0.1:9" })),
    /request\.proxy cannot be used here: the request goes to a Unix socket/,
  );
});

test("unix sockets: TLS verifies the host of the URL", async () => {
  const identity = selfSigned({ hosts: ["api.test"] });
  const path = join(folder, "tls.sock");
  const server = createSecureServer(identity, ({ headers }, response) => response.end(headers.host));
  server.listen(path);
  await once(server, "listening");
  try {
    await using session = new Session({ ...common, socketPath: path, tls: { ca: identity.cert } });

    assert.equal(await session.get("https://api.test/").text(), "localhost");
    await assert.rejects(Promise.resolve(session.get("https://other.test/")), { code: "ERR_TLS" });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("unix sockets: a missing socket is a connection error that names it", async () => {
  const path = join(folder, "missing.sock");
  await using session = new Session({ ...common, socketPath: path });

  await assert.rejects(Promise.resolve(session.get("/")), {
    errno: "ENOENT",
    phase: "connect",
    mayHaveArrived: false,
  });
  await assert.rejects(Promise.resolve(session.get("/")), (error: Error) => error.message.includes(path));
});

test("unix sockets: unix: URLs name their socket if the session allows them", async () => {
  await using first = await listen();
  await using second = await listen("with:colon %.sock");
  const origins: string[] = [];
  const policy = (origin: string): Policy => {
    origins.push(origin);
    return compose();
  };
  await using session = new Session({
    ...common,
    enableUnixSockets: true,
    policy,
    baseUrl: "http://base.test/",
  });
  const escaped = second.path.replaceAll("%", "%25").replaceAll(":", "%3A").replaceAll(" ", "%20");

  const bodies = [
    await session.get(`unix:${first.path}:/a?b=c`, { params: { d: 1 } }).text(),
    await session.get(`UNIX://${first.path}:/?`).text(),
    await session.get(new URL(`unix:${first.path}`)).text(),
    await session.get(`unix:${escaped}:/x`).text(),
    await session.put(`unix:${first.path}:/y`, { json: 1 }).text(),
  ];

  assert.deepEqual(bodies, [
    "s3.sock GET /a?b=c&d=1",
    "s3.sock GET /?",
    "s3.sock GET /",
    "with:colon %.sock GET /x",
    "s3.sock PUT /y",
  ]);
  assert.deepEqual(origins, [`unix:${first.path}`, `unix:${second.path}`]);
  assert.equal(first.requests[0]?.headers.host, "localhost");
  for (const wrong of ["unix:", "unix:relative.sock:/x", "unix:/a.sock:relative", "unix:/a.sock?x"])
    await assert.rejects(Promise.resolve(session.get(wrong)), { code: "ERR_INVALID_URL" }, wrong);
});

test("unix sockets: without enableUnixSockets a unix: URL is refused", async () => {
  await using server = await listen();
  for (const options of [{}, { enableUnixSockets: false }, { socketPath: server.path }]) {
    await using session = new Session({ ...common, ...options });

    await assert.rejects(
      Promise.resolve(session.get(`unix:${server.path}:/x`)),
      /must begin with http:\/\/ or https:\/\/, .*enableUnixSockets: true/,
    );
    await assert.rejects(
      session.download(`unix:${server.path}:/x`, join(folder, "file")),
      /enableUnixSockets/,
    );
  }
  assert.equal(server.requests.length, 0);
});

test("unix sockets: no redirect and no proxy leads to a socket", async () => {
  await using server = await listen();
  await using origin = await faultOrigin({
    routes: {
      "/unix": redirect(`unix:${server.path}:/x`),
      "/host": redirect(`http://unix:${server.path}:/x`),
      "*": respond(200),
    },
  });
  await using session = new Session({ ...common, trustEnvironment: false, enableUnixSockets: true });

  const response = await session.get(`${origin.url}/unix`);

  assert.deepEqual([response.status, response.history.length], [302, 0]);
  await assert.rejects(Promise.resolve(session.get(`${origin.url}/host`)));
  for (const proxy of [`unix:${server.path}`, `unix://${server.path}`]) {
    assert.throws(() => new Session({ proxy, enableUnixSockets: true }), /proxy/i);
    await assert.rejects(Promise.resolve(session.get(origin.url, { proxy })), /proxy/i);
  }
  assert.throws(
    () => new Session({ socketPath: server.path, proxy: "http://127.0.0.1:9" }),
    /Session\.proxy cannot be used with socketPath/,
  );
  assert.equal(server.requests.length, 0);
});

test("unix sockets: a redirect stays on the socket within localhost, and leaves it without credentials", async () => {
  await using server = await listen();
  await using origin = await faultOrigin({ routes: { "*": respond(200, { body: "network" }) } });
  await using session = new Session({ ...common, trustEnvironment: false, enableUnixSockets: true });
  const headers = { authorization: "Bearer own" };
  const through = (location: string): string => `unix:${server.path}:/to?${encodeURIComponent(location)}`;

  assert.match(await session.get(through("/next"), { headers }).text(), /GET \/next$/);
  assert.match(await session.get(through("http://localhost/abs?"), { headers }).text(), /GET \/abs\?$/);
  assert.equal(await session.get(through(`${origin.url}/out`), { headers }).text(), "network");
  const foreign = await session.get(through(`unix:${server.path}:/again`));

  assert.equal(foreign.status, 302);
  assert.equal(server.requests[1]?.headers.authorization, "Bearer own");
  assert.equal(origin.requests[0]?.headers["authorization"], undefined);
});

test("unix sockets: cookies of a socket are not those of localhost", async () => {
  await using server = await listen();
  await using session = new Session({ ...common, enableUnixSockets: true });
  const jar = await session.cookies?.jar();
  await jar?.setCookie("local=1", "http://localhost/");

  await session.get(`unix:${server.path}:/cookie`);
  await session.get(`unix:${server.path}:/`);

  assert.deepEqual(
    server.requests.map(({ headers }) => headers.cookie),
    [undefined, undefined],
  );
  assert.equal(await jar?.getCookieString("http://localhost/"), "local=1");
});
