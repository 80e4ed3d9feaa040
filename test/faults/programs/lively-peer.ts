/*
 * Servers in a thread of their own, which go on while the main thread is busy: HTTP on 127.0.0.1 and 127.0.0.2, HTTPS, and a
 * proxy that opens tunnels. The response is the number of connections that HTTP has accepted.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { getPort } from "../../support/loopback-server.ts";

const identity: unknown = workerData;
let connections = 0;
let refused = 0;

async function respond(path: string | undefined, response: ServerResponse): Promise<void> {
  const later = Number(/^\/refused-first\?later=(\d+)$/.exec(path ?? "")?.[1]);
  if (later > 0 && refused === 0) {
    refused += 1;
    response.writeHead(503, { "content-length": 5 + later }).write("first");
    await pause(150);
    response.end("x".repeat(later));
  } else response.end(String(connections));
}

const secure = createSecureServer(identity as object, (_request, response) => response.end("secure"));
await once(secure.listen(0, "127.0.0.1"), "listening");

const plain = createServer((request, response) => void respond(request.url, response));
const other = createServer((request, response) => void respond(request.url, response));
for (const server of [plain, other]) server.on("connection", () => (connections += 1));
await once(plain.listen(0, "127.0.0.1"), "listening");
await once(other.listen(getPort(plain), "127.0.0.2"), "listening");

const proxy = createServer().on("connect", (_request, socket) => {
  const upstream = connect(getPort(secure), "127.0.0.1");
  socket.write("HTTP/1.1 200 OK\r\n\r\n");
  socket.pipe(upstream).pipe(socket);
  for (const each of [socket, upstream]) each.on("error", () => each.destroy());
});
await once(proxy.listen(0, "127.0.0.1"), "listening");

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- A port of a worker has no origin.
parentPort?.postMessage({ plain: getPort(plain), secure: getPort(secure), proxy: getPort(proxy) });
