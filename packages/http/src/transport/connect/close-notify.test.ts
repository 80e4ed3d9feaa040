import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { createServer as createTlsServer, type SecureVersion, type Server } from "node:tls";
import { Session } from "../../session/session.ts";
import { Retry } from "../../retry/retry.ts";
import { selfSigned } from "../../testing/index.ts";

const noRetry = new Retry({ total: 0 });
const pair = selfSigned();
const [first, second] = ["a".repeat(1_000), "b".repeat(500)];

interface How {
  readonly version: SecureVersion;
  readonly ciphers?: string;
  /** Milliseconds between the last data and the end. */
  readonly pause: number;
  /** Number of bytes missing at the end. */
  readonly lost: number;
}

function portOf(server: Server | ReturnType<typeof createServer>): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

/** Starts a server whose response ends with the connection: two records and an alert. */
async function secureServer({ version, ciphers, pause }: How): Promise<Server> {
  const server = createTlsServer({ ...pair, minVersion: version, maxVersion: version, ciphers }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\n\r\n${first}`);
      setTimeout(() => {
        server.emit("last");
        if (pause === 0) socket.end(second);
        else socket.write(second, () => setTimeout(() => socket.end(), pause));
      }, 20);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Forwards the bytes of a server except the last ones of its last record, and then sends a FIN. */
function passOn(
  from: Socket,
  to: Socket,
  { server, lost }: { readonly server: Server; readonly lost: number },
): void {
  let held = Buffer.alloc(0);
  let holding = false;
  server.once("last", () => (holding = lost > 0));
  from.on("data", (bytes: Buffer) => {
    if (holding) held = Buffer.concat([held, bytes]);
    else to.write(bytes);
  });
  from.on("end", () => to.end(held.subarray(0, Math.max(0, held.length - lost))));
  for (const socket of [from, to]) socket.on("error", () => {});
}

async function ask(how: How, tls: object = {}): Promise<string> {
  const server = await secureServer(how);
  const relay = createServer((client) => {
    const upstream = connect(portOf(server), "127.0.0.1");
    client.pipe(upstream);
    passOn(upstream, client, { server, lost: how.lost });
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  try {
    await using session = new Session({ retry: noRetry, tls: { ca: pair.cert, ...tls } });
    const response = await session.get(`https://localhost:${portOf(relay)}/`);
    return await response.text();
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  } finally {
    server.close();
    relay.close();
  }
}

const suites: readonly (readonly [version: SecureVersion, ciphers?: string])[] = [
  ["TLSv1.3"],
  ["TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"],
  ["TLSv1.2", "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305"],
  ["TLSv1.2", "ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA"],
  ["TLSv1.2", "ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA384"],
];
for (const [version, ciphers] of suites) {
  const suite = { version, ...(ciphers !== undefined && { ciphers }) };
  test(`a body that ends with the connection is complete after close_notify: ${version} ${ciphers ?? ""}`, async () => {
    for (const pause of [0, 20]) assert.equal(await ask({ ...suite, pause, lost: 0 }), first + second);
  });

  test(`a body that ends with the connection is incomplete without close_notify: ${version} ${ciphers ?? ""}`, async () => {
    for (const pause of [0, 20])
      for (const lost of [90, 200, 450])
        assert.equal(await ask({ ...suite, pause, lost }), "IncompleteBodyError", `${lost} lost`);
  });
}

test("only close_notify completes the body, unless requireCloseNotify is false", async () => {
  const how: How = { version: "TLSv1.3", pause: 20, lost: 24 };

  assert.equal(await ask(how), "IncompleteBodyError");
  assert.equal(await ask(how, { requireCloseNotify: false }), first + second);
});
