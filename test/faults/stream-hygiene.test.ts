import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import {
  bearerAuth,
  HttpAdapter,
  isFailure,
  HttpResponse,
  Session,
  StreamedResponse,
  type Adapter,
} from "@holdfast/http";
import { cut, drip, endlessBody, respond, selfSigned, stall } from "@holdfast/http/testing";
import { hedge, timeout } from "@holdfast/policy";
import { runProgram, type ProgramResult } from "../support/child.ts";
import { waitUntil } from "../support/holdfast.ts";
import { countOpen, faultOrigin, isOverHttp2, protocolArguments, protocolOptions, test } from "./protocol.ts";
import { bounded, sessionFor } from "./scenario.ts";

function program(name: string, ...args: readonly string[]): Promise<ProgramResult> {
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const flags = ["--conditions=source", "--expose-gc", "--no-warnings"];
  return runProgram(process.execPath, [...flags, file, ...args, ...protocolArguments()], { within: 60_000 });
}

const block = Buffer.alloc(64 * 1024, "x");

/** A server that sends as much as it can, and counts the bytes. */
async function flood(http2: boolean): Promise<{ url: string; sent(): number } & AsyncDisposable> {
  let sent = 0;
  const pump = (stream: NodeJS.WritableStream): void => {
    let room = true;
    while (room && sent < 500_000_000) {
      sent += block.length;
      room = stream.write(block);
    }
    stream.once("drain", () => pump(stream));
  };
  const server = http2
    ? createSecureServer({ ...selfSigned() }).on("stream", (stream) => {
        stream.on("error", () => undefined).respond({ ":status": 200 });
        pump(stream);
      })
    : createServer((socket) => {
        socket
          .on("error", () => undefined)
          .once("data", () => {
            socket.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            pump(socket);
          });
      });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    url: `http${http2 ? "s" : ""}://127.0.0.1:${address.port}/`,
    sent: () => sent,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test("a paused reader pauses the server, and a resumed one resumes it", async () => {
  await using server = await flood(isOverHttp2());
  await using session = await sessionFor({
    adapter: { tls: { rejectUnauthorized: false } },
    timeout: { read: 100 },
  });

  const response = await session.get(server.url, { stream: true });
  await new Promise((resolve) => setTimeout(resolve, 400));
  const early = server.sent();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const later = server.sent();
  let read = 0;
  for await (const piece of response.body) if ((read += piece.length) > 40_000_000) break;

  assert.equal(later, early);
  // The buffers of the kernels and the window of HTTP/2.
  bounded("bytes sent unread", later, { max: 20_000_000 });
  bounded("bytes sent in all", server.sent(), { min: 40_000_000, max: 80_000_000 });
});

test("a slow read of a hundred megabytes takes no more memory than the first few", async () => {
  await using origin = await faultOrigin({
    routes: {
      "/": [
        ...respond(200, { headers: { "content-length": 100_000 * 1_024 } }),
        { repeat: Buffer.alloc(1_024 * 100, "x"), times: 1_000 },
      ],
    },
  });

  const { stdout, stderr, code } = await program("stream-memory", `${origin.url}/`);

  assert.deepEqual([stderr, code], ["", 0]);
  const [bytes = 0, rise = NaN] = stdout.split(" ").map(Number);
  assert.equal(bytes, 100_000 * 1_024);
  bounded("bytes of memory more", rise, { min: -20_000_000, max: 10_000_000 });
});

test("garbage-collected bodies return their connections", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody() } });

  const { stdout, stderr } = await program("stream-unread", `${origin.url}/`, "collect");

  assert.equal(stderr, "");
  assert.match(stdout, /^open: 0\ndone at \d+\n$/);
  assert.equal(origin.connections, isOverHttp2() ? 1 : 6);
  assert.equal(origin.requests.length, 6);
});

test("unread bodies do not keep the process alive", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody() } });

  const { stdout, stderr, code } = await program("stream-unread", `${origin.url}/`);

  const ended = Date.now();
  assert.deepEqual([stderr, code], ["", 0]);
  assert.match(stdout, /^done at \d+\n$/);
  bounded("milliseconds to the end", ended - Number(/at (\d+)/.exec(stdout)?.[1]), { max: 1_500 });
});

test("closing the session ends read and unread bodies", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody() } });
  const session = await sessionFor();
  const [first, second] = [
    await session.get(`${origin.url}/`, { stream: true }),
    await session.get(`${origin.url}/`, { stream: true }),
  ];
  setTimeout(() => void session.close(), 100);

  await assert.rejects(first.bytes(), /The session was closed/);
  await waitUntil("both connections are closed", () => countOpen(origin) === 0);
  await assert.rejects(second.bytes(), /The session was closed/);
});

test("a streamed response has no content, and its body can be read once", async () => {
  await using origin = await faultOrigin({
    routes: {
      "/": respond(200, {
        headers: { "content-type": "text/plain; charset=latin1" },
        body: Buffer.from([0xe4]),
      }),
    },
  });
  await using session = await sessionFor();
  const ask = (): Promise<StreamedResponse> => session.get(`${origin.url}/`, { stream: true });

  const response = await ask();

  assert.throws(() => response.content, /has no content/);
  assert.equal(await response.text(), "ä");
  await assert.rejects(response.bytes(), TypeError);
  assert.deepEqual(Buffer.from(await new Response((await ask()).body).arrayBuffer()), Buffer.from([0xe4]));
  (await ask()).cancel();
});

test("the session streams the complete responses of an adapter without streaming", async () => {
  const adapter: Adapter = {
    send: ({ url }) =>
      Promise.resolve(
        new HttpResponse({
          status: 200,
          statusText: "OK",
          url: url.href,
          headers: { "x-a": "b" },
          content: Buffer.from("{}"),
        }),
      ),
    close: () => Promise.resolve(),
  };
  await using session = new Session().mount("https://whole.test/", adapter);

  const response = await session.get("https://whole.test/", { stream: true });

  assert.ok(response instanceof StreamedResponse);
  assert.deepEqual([response.headers.get("x-a"), await response.json()], ["b", {}]);
});

test("a policy around an attempt ends at the response head, and the body continues", async () => {
  await using origin = await faultOrigin({
    routes: { "/": drip(respond(200, { body: "x".repeat(20) }), { every: 30, bodyOnly: true }) },
  });
  await using session = new Session({ ...protocolOptions(), policy: () => timeout("200ms") });

  const response = await session.get(`${origin.url}/`, { stream: true });

  assert.equal(await response.text(), "x".repeat(20));
});

test("the caller's signal ends a body after its attempt ran inside a policy", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody(200, { every: 20 }) } });
  await using session = new Session({ ...protocolOptions(), policy: () => timeout("5s") });
  const caller = new AbortController();
  const response = await session.get(`${origin.url}/`, { stream: true, signal: caller.signal });
  setTimeout(() => caller.abort("enough"), 50);

  await assert.rejects(response.bytes(), (error: unknown) => error === "enough");
  await waitUntil("the connection is closed", () => countOpen(origin) === 0);
});

test("a hedge returns one response and cancels the other", async () => {
  await using origin = await faultOrigin({
    routes: { "/": [[{ wait: 150 }, ...endlessBody()], endlessBody()] },
  });
  await using session = new Session({ ...protocolOptions(), policy: () => hedge({ delay: 50 }) });

  const response = await session.get(`${origin.url}/`, { stream: true });

  assert.equal(origin.requests.length, 2);
  await waitUntil("the loser's connection is closed", () => countOpen(origin) === 1);
  let read = 0;
  for await (const piece of response.body) if ((read += piece.length) > 1_000_000) break;
  await waitUntil("the winner's connection is closed", () => countOpen(origin) === 0);
});

test("a hook that throws leaves no open response", async () => {
  await using origin = await faultOrigin({ routes: { "/": endlessBody() } });
  await using session = new Session({
    ...protocolOptions(),
    hooks: { response: [() => Promise.reject(new Error("hook"))] },
  });

  await assert.rejects(session.get(`${origin.url}/`, { stream: true }), /hook/);
  await waitUntil("the connection is closed", () => countOpen(origin) === 0);
});

test("error hooks receive a broken body, not a cancelled one", async () => {
  await using origin = await faultOrigin({
    routes: {
      "/": cut(respond(200, { body: "x".repeat(1_000) }), { atBody: 500 }),
      "/endless": endlessBody(),
    },
  });
  const heard: unknown[] = [];
  await using session = new Session({
    ...protocolOptions(),
    hooks: { error: [(error) => void heard.push(error)] },
  });

  const broken = await session.get(`${origin.url}/`, { stream: true });
  const error = await broken.bytes().catch((reason: unknown) => reason);
  const left = await session.get(`${origin.url}/endless`, { stream: true });
  left.cancel();

  assert.ok(isFailure(error));
  assert.deepEqual(heard, [error]);
  assert.equal(broken.attempts[0]?.error?.code, "ERR_INCOMPLETE_BODY");
});

test("the body of a 401 is dropped before the request with a better token, however long it is", async () => {
  await using origin = await faultOrigin({
    routes: { "/": [endlessBody(401), respond(200, { body: "in" })] },
  });
  await using session = new Session({
    ...protocolOptions(),
    auth: bearerAuth((refused) => (refused === undefined ? "old" : "new")),
  });
  // Only one connection: the 401 must be dropped before the next response can arrive.
  session.mount(origin.url, new HttpAdapter({ ...protocolOptions(), maxConnections: 1 }));

  const response = await session.get(`${origin.url}/`, { stream: true });

  assert.equal(await response.text(), "in");
  assert.deepEqual(
    origin.requests.map(({ headers }) => headers["authorization"]),
    ["Bearer old", "Bearer new"],
  );
  await waitUntil("the first connection is closed", () => countOpen(origin) <= 1);
});

test("cancelled bodies return the only connection to the others", async () => {
  await using origin = await faultOrigin({
    routes: {
      "/": stall(respond(200, { body: "x".repeat(1_000) }), { atBody: 500 }),
      "/ok": respond(200, { body: "ok" }),
    },
  });
  await using session = new Session();
  session.mount(origin.url, new HttpAdapter({ ...protocolOptions(), maxConnections: 1 }));

  for (let round = 0; round < 5; round += 1) {
    const stuck = await session.get(`${origin.url}/`, { stream: true });
    const patient = session.get(`${origin.url}/ok`, { stream: true });
    stuck.cancel();
    assert.equal(await (await patient).text(), "ok");
  }
});
