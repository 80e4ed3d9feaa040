import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { HttpAdapter, Retry, Session, type AttemptRecord } from "@holdfast/http";
import {
  cut,
  refusedPort,
  reset,
  respond,
  selfSigned,
  silence,
  silentOnAccept,
  stall,
} from "@holdfast/http/testing";
import { certificates } from "../support/certificates.ts";
import { nginx } from "../support/nginx.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { tinyproxy } from "../support/tinyproxy.ts";
import { faultOrigin, isOverHttp2, protocolOptions, test } from "./protocol.ts";

const retry = new Retry({ total: 3, statusForcelist: [503], raiseOnStatus: false });
const body = "x".repeat(5_000);
/** The phase that only connections with TLS have. */
const tls = isOverHttp2() ? ["tls"] : [];

function sum(phases: AttemptRecord["phases"] = {}): number {
  const { queue = 0, connection = 0, headers = 0, body: rest = 0 } = phases;
  return queue + connection + headers + rest;
}

test("the attempts of a call describe it completely", async () => {
  const page = respond(200, { body });
  await using origin = await faultOrigin({
    routes: {
      "/": [
        respond(503, { body: "busy" }),
        cut(page, { atBody: 2_000 }),
        stall(page, { atBody: 10, pause: 60 }),
      ],
    },
  });
  await using session = new Session({ ...protocolOptions(), retry });

  const response = await session.get(`${origin.url}/`);

  const { attempts } = response;
  assert.deepEqual(JSON.parse(JSON.stringify(attempts)), attempts, "they are plain data");
  assert.deepEqual(
    attempts.map(({ number, connection, status, error, bytesReceived, decision, delaySource }) => [
      number,
      connection,
      status ?? error?.code,
      bytesReceived,
      decision,
      delaySource,
    ]),
    [
      [1, "new", 503, 4, "retried", "back-off"],
      [2, "reused", "ERR_INCOMPLETE_BODY", 2_000, "retried", "back-off"],
      [3, "new", 200, 5_000, "success", undefined],
    ],
  );
  // HTTP/2 compresses heads.
  assert.ok(
    attempts.every(({ bytesSent }) => (isOverHttp2() ? bytesSent === undefined : Number(bytesSent) > 100)),
  );
  for (const { phases, elapsed } of attempts)
    assert.ok(Math.abs(sum(phases) - elapsed) < 5, `${JSON.stringify(phases)} of ${elapsed}`);
  assert.deepEqual(
    attempts.map(({ phases }) => Object.keys(phases ?? {})),
    [
      ["connection", "tcp", ...tls, "headers", "body"],
      ["connection", "headers", "body"],
      ["connection", "tcp", ...tls, "headers", "body"],
    ],
  );
  assert.ok(Number(attempts[2]?.phases?.body) >= 50);
});

test("an error has the records of attempts without a response", async () => {
  await using origin = await faultOrigin({ routes: { "/": silence() } });
  await using session = new Session({
    ...protocolOptions(),
    retry: new Retry({ total: 0 }),
    timeout: { read: "50ms" },
  });

  const error = await session.get(`${origin.url}/`).catch((reason: unknown) => reason);

  assert.ok(error instanceof Error && "attempts" in error);
  const [attempt] = error.attempts as readonly AttemptRecord[];
  assert.deepEqual(
    [attempt?.connection, attempt?.bytesReceived, attempt?.error?.code],
    ["new", 0, "ERR_READ_TIMEOUT"],
  );
  assert.equal(Number(attempt?.bytesSent) > 0, !isOverHttp2());
  assert.deepEqual(Object.keys(attempt?.phases ?? {}), ["connection", "tcp", ...tls, "headers"]);
  assert.ok(Number(attempt?.phases?.headers) >= 50, "the silence is the head's");
});

async function failureOf(call: Promise<unknown>): Promise<AttemptRecord> {
  const error = await call.catch((reason: unknown) => reason);
  assert.ok(error instanceof Error && "attempts" in error);
  const [attempt] = error.attempts as readonly AttemptRecord[];
  assert.ok(attempt !== undefined);
  return attempt;
}

test("the phases of a failed attempt add up, wherever it ended", async () => {
  await using deaf = await faultOrigin({ onConnection: silentOnAccept(), tls: selfSigned() });
  await using origin = await faultOrigin({ routes: { "/": silence(), "/cut": [reset()] } });
  await using session = new Session({
    ...protocolOptions(),
    retry: new Retry({ total: 0 }),
    timeout: { connect: "60ms", read: "50ms" },
  });

  const ends = {
    refused: await failureOf(session.get(`http://127.0.0.1:${await refusedPort()}/`)),
    connect: await failureOf(session.get(`${deaf.url}/`)),
    silent: await failureOf(session.get(`${origin.url}/`)),
    reset: await failureOf(session.get(`${origin.url}/cut`)),
  };

  for (const [what, { phases, elapsed }] of Object.entries(ends))
    assert.ok(Math.abs(sum(phases) - elapsed) < 5, `${what}: ${JSON.stringify(phases)} of ${elapsed}`);
  assert.deepEqual(Object.keys(ends.refused.phases ?? {}), ["connection", "tcp"]);
  assert.deepEqual(Object.keys(ends.connect.phases ?? {}), ["connection", "tcp", "tls"]);
});

test("a failed opening of a connection shows the phase that it reached", async () => {
  await using deaf = await faultOrigin({ onConnection: silentOnAccept(), tls: selfSigned() });
  await using session = new Session({
    ...protocolOptions(),
    retry: new Retry({ total: 0 }),
    timeout: { connect: "60ms" },
  });
  const silentUrl = `https://deaf.test:${new URL(deaf.url).port}/`;
  const lookups = {
    "https://unnamed.test/": () => new Promise<never>(() => undefined),
    "https://unknown.test/": () =>
      Promise.reject(Object.assign(new Error("no such name"), { code: "ENOTFOUND" })),
    [silentUrl]: () => Promise.resolve(["127.0.0.1"]),
  };
  for (const [prefix, lookup] of Object.entries(lookups)) session.mount(prefix, new HttpAdapter({ lookup }));

  const [unnamed, unknown, silent] = await Promise.all([
    failureOf(session.get("https://unnamed.test/")),
    failureOf(session.get("https://unknown.test/")),
    failureOf(session.get(silentUrl)),
  ]);

  assert.deepEqual(
    [unnamed, unknown, silent].map(({ phases }) => Object.keys(phases ?? {})),
    [
      ["connection", "dns"],
      ["connection", "dns"],
      ["connection", "dns", "tcp", "tls"],
    ],
  );
  assert.ok(Number(silent.phases?.tls) > 30);
  assert.match(String(unnamed.error?.message), /within 60 ms: the host name was not resolved/);
  assert.match(String(silent.error?.message), /within 60 ms: the TLS handshake did not finish/);
});

test("an attempt over HTTP/2 has no bytesSent", async () => {
  const certificate = selfSigned();
  await using origin = await faultOrigin({
    tls: certificate,
    http2: true,
    routes: { "/": respond(200, { body }) },
  });
  await using session = new Session({ http2: true, tls: { ca: certificate.cert } });

  for (const call of [session.post(origin.url, { body: "x" }), session.get(origin.url)]) {
    const { attempts } = await call;
    assert.ok(!("bytesSent" in (attempts[0] ?? {})), JSON.stringify(attempts));
  }
});

test("bytesSent counts every byte of requests with and without a body", async () => {
  let came = 0;
  const server = createServer((socket) => {
    socket.on("data", (bytes) => {
      came += bytes.length;
      if (bytes.toString("latin1").endsWith("end") || bytes.subarray(0, 3).toString() === "GET")
        socket.write("HTTP/1.1 204 No Content\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await using session = new Session(protocolOptions());

  const sent: unknown[] = [];
  for (const text of ["end", `${"y".repeat(200_000)}end`]) {
    came = 0;
    const { attempts } = await session.put(url, { body: text });
    sent.push([attempts[0]?.bytesSent, came]);
  }
  came = 0;
  const { attempts } = await session.get(url);
  sent.push([attempts[0]?.bytesSent, came]);

  assert.equal(sent.length, 3);
  for (const pair of sent) assert.ok(Array.isArray(pair) && pair[0] === pair[1], JSON.stringify(sent));
  await session.close();
  server.close();
});

test("bytesReceived of a streamed response counts the bytes that were read", async () => {
  await using origin = await faultOrigin({ routes: { "/": respond(200, { body }) } });
  await using session = new Session(protocolOptions());

  const streamed = await session.get(`${origin.url}/`, { stream: true });
  await streamed.bytes();

  assert.equal(streamed.attempts[0]?.bytesReceived, 5_000);
});

test("an attempt through a proxy and TLS has the time of every phase, without the proxy's credentials", async () => {
  await using pages = await temporaryDirectory("attempts");
  const { ca, good } = await certificates();
  await using server = await nginx({
    root: pages.path,
    certificate: good,
    conf: "location / { return 204; }",
  });
  await using proxy = await tinyproxy({ user: "ada", password: "s3cret" });
  await using session = new Session({ proxy: proxy.url, tls: { ca: ca.cert } });

  const [first, second] = [await session.get(server.url), await session.get(server.url)];

  assert.deepEqual(Object.keys(first.attempts[0]?.phases ?? {}), [
    "connection",
    "tcp",
    "proxy",
    "tls",
    "headers",
    "body",
  ]);
  assert.deepEqual(second.attempts[0]?.connection, "reused");
  assert.match(String(first.attempts[0]?.proxy), /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.ok(!JSON.stringify(first.attempts).includes("s3cret"));
});
