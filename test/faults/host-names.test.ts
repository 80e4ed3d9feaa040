import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:https";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import { compose, type Policy } from "@holdfast/policy";
import { HttpAdapter, Session, type SessionOptions } from "@holdfast/http";
import { faultOrigin, redirect, respond, selfSigned } from "@holdfast/http/testing";

const identity = selfSigned({ hosts: ["localhost", "xn--bcher-kva.test"] });
const lookup = (): Promise<readonly string[]> => Promise.resolve(["127.0.0.1"]);
const common: SessionOptions = {
  trustEnvironment: false,
  lookup,
  tls: { ca: identity.cert },
  timeout: { total: "5s" },
};

/** Starts a TLS server that returns the name of the TLS handshake and the Host header. */
async function startServer(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(identity, ({ socket, headers }, response) => {
    response.end(`${socket instanceof TLSSocket ? String(socket.servername) : ""} ${headers.host}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

test("host names: the TLS handshake has the name without the dot, and Host has it as written", async () => {
  const { server, port } = await startServer();
  try {
    await using session = new Session(common);
    for (const [host, servername, sent] of [
      ["localhost", "localhost", "localhost"],
      ["LOCALHOST.", "localhost", "localhost."],
      ["b\u00fccher.test.", "xn--bcher-kva.test", "xn--bcher-kva.test."],
    ] as const) {
      const text = await session.get(`https://${host}:${port}/`).text();

      assert.equal(text, `${servername} ${sent}:${port}`);
    }
  } finally {
    server.close();
  }
});

test("host names: tls.servername is sent in the normal form", async () => {
  const { server, port } = await startServer();
  try {
    for (const servername of ["localhost.", "LocalHost", "b\u00fccher.test."]) {
      await using session = new Session({ ...common, tls: { ca: identity.cert, servername } });
      const text = await session.get(`https://a.test:${port}/`).text();

      assert.match(text, servername.startsWith("b") ? /^xn--bcher-kva\.test / : /^localhost /);
    }
  } finally {
    server.close();
  }
});

test("host names: HTTP/2 reaches a name with a dot", async () => {
  await using origin = await faultOrigin({
    tls: identity,
    http2: true,
    routes: { "/": respond(200, { body: "h2" }) },
  });
  await using session = new Session({ ...common, http2: true });

  const texts = await Promise.all([1, 2].map(() => session.get(`https://localhost.:${origin.port}/`).text()));

  assert.deepEqual(texts, ["h2", "h2"]);
});

test("host names: mounts, policies and credentials know a name with a dot as the same host", async () => {
  const origins: string[] = [];
  const policy = (origin: string): Policy => {
    origins.push(origin);
    return compose();
  };
  await using origin = await faultOrigin({
    routes: { "/": redirect("/there"), "/there": respond(200), "/away": respond(200) },
  });
  await using session = new Session({
    ...common,
    policy,
    lookup: () => Promise.reject(new Error("not this one")),
  });
  session.mount("http://A.test.", new HttpAdapter({ lookup }));

  for (const host of ["a.test", "a.test.", "A.TEST"])
    await session.get(`http://${host}:${origin.port}/there`);
  await session.get(`http://a.test:${origin.port}/`, { headers: { authorization: "Bearer own" } });

  assert.deepEqual(origins, [`http://a.test:${origin.port}`]);
  assert.deepEqual(
    origin.requests.map(({ headers }) => headers["host"]),
    ["a.test", "a.test.", "a.test", "a.test", "a.test"].map((host) => `${host}:${origin.port}`),
  );
});

test("request target: a question mark without a query is sent, directly, from a Location and through a proxy", async () => {
  await using origin = await faultOrigin({
    routes: { "/away": redirect("/there?"), "/again": [redirect("?"), respond(200)], "*": respond(200) },
  });
  await using session = new Session(common);
  await using proxied = new Session({ trustEnvironment: false, proxy: origin.url });

  for (const path of ["/here?", "/away", "/again", "/here?#part"]) await session.get(origin.url + path);
  await proxied.get("http://a.test/here?");

  assert.deepEqual(
    origin.requests.map(({ target }) => target),
    ["/here?", "/away", "/there?", "/again", "/again?", "/here?", "http://a.test/here?"],
  );
});
