import { once } from "node:events";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import type { TLSSocket } from "node:tls";
import { createServer as createTlsServer } from "node:tls";
import { ByteSource } from "../wire/byte-source.ts";
import type { Shared } from "../wire/http1-connection.ts";
import { serveHttp1 } from "../wire/http1-connection.ts";
import { serveHttp2 } from "../wire/http2-connection.ts";
import { play } from "../wire/play.ts";
import type { RecordedRequest } from "./recorder.ts";
import { Recorder } from "./recorder.ts";
import type { Routes } from "./routes.ts";
import { entryFor } from "./routes.ts";
import { SocketWire } from "../wire/socket-wire.ts";
import type { Reply } from "../replies/steps.ts";

/** A private key and its certificate, in PEM. */
export interface KeyAndCertificate {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

/** Routes, faults and address of an origin. */
export interface FaultOriginOptions {
  /** Replies by path. @default {} (404 for every path) */
  readonly routes?: Routes;
  /** Steps to play on each accepted connection before it is served. A list has one entry per connection and repeats the last. @default accept() */
  readonly onConnection?: Reply | readonly Reply[];
  /** Serves TLS with this certificate. @default undefined (plain TCP) */
  readonly tls?: KeyAndCertificate;
  /** Serves HTTP/2. Under TLS, ALPN chooses between it and HTTP/1.1. Without TLS, clients need prior knowledge. @default false */
  readonly http2?: boolean;
  /** A loopback address. @default "127.0.0.1" */
  readonly host?: string;
  /** Port to listen on. @default 0: any free port */
  readonly port?: number;
  /** Number of requests to keep in `requests`. Counts and gaps cover all requests. @default Infinity */
  readonly maxRecorded?: number;
}

/** A running origin. */
export interface FaultOrigin extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Recorded requests in order of arrival. A record is updated while its request is read and replied to. */
  readonly requests: readonly RecordedRequest[];
  /** Number of accepted connections. */
  readonly connections: number;
  readonly openConnections: number;
  /** Errors thrown by responders and steps. The client received a 500. */
  readonly errors: readonly unknown[];
  /** Returns the number of requests to this path. */
  attempts(path: string): number;
  /** Returns the milliseconds between the starts of successive requests to this path. */
  gaps(path: string): readonly number[];
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

/** Starts a server on loopback that plays the scripts of its routes, faults included, and records every request. */
export async function faultOrigin(options: FaultOriginOptions = {}): Promise<FaultOrigin> {
  const recorder = new Recorder(options.maxRecorded ?? Infinity);
  const errors: unknown[] = [];
  const shared: Shared = { routes: options.routes ?? {}, recorder, onError: (error) => errors.push(error) };
  const sockets = new Set<Socket>();
  const receive = receiver(options, shared);
  let connections = 0;
  // Under TLS a half-open socket would never detect that its peer left during the handshake.
  const server = createServer({ allowHalfOpen: !options.tls, noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", ignore).on("close", () => sockets.delete(socket));
    receive(socket, connections).catch((error: unknown) => {
      errors.push(error);
      socket.destroy();
    });
  });
  const { port, host } = await listen(server, options);

  async function close(): Promise<void> {
    const stopped = server.listening ? once(server.close(), "close") : undefined;
    await Promise.all([...sockets].map((socket) => once(socket.destroy(), "close")));
    await stopped;
  }

  return {
    url: `http${options.tls ? "s" : ""}://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    requests: recorder.requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    errors,
    attempts: (path) => recorder.attempts(path),
    gaps: (path) => recorder.gaps(path),
    close,
    [Symbol.asyncDispose]: close,
  };
}

type Receive = (socket: Socket, number: number) => Promise<void>;

function receiver(options: FaultOriginOptions, shared: Shared): Receive {
  const serve = options.tls
    ? tlsServer(options.tls, options.http2 ?? false, shared)
    : plainServer(options.http2 ?? false, shared);
  return async (socket, number) => {
    const script = connectionScript(options.onConnection ?? [], number);
    if (script.length > 0 && !(await playFirst(script, socket))) return;
    await serve(socket, number);
  };
}

function connectionScript(script: Reply | readonly Reply[], number: number): Reply {
  const entry = entryFor(script, number);
  if (typeof entry === "function") throw new TypeError("onConnection takes steps, not functions");
  return entry;
}

/** Plays the steps before the first request. Resolves with true if the connection is still to be served. */
async function playFirst(script: Reply, socket: Socket): Promise<boolean> {
  const source = new ByteSource(socket);
  const wire = new SocketWire(socket, socket, source);
  await play(script, wire);
  if (wire.over) return false;
  socket.pause();
  const early = source.release();
  if (early.length > 0) socket.unshift(early);
  return true;
}

function plainServer(http2: boolean, shared: Shared): Receive {
  return async (socket, number) => {
    if (http2) return serveHttp2({ connection: socket, raw: socket, number, shared });
    return serveHttp1({ stream: socket, raw: socket, source: new ByteSource(socket), number }, shared);
  };
}

function tlsServer({ key, cert }: KeyAndCertificate, http2: boolean, shared: Shared): Receive {
  const ALPNProtocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
  const server = createTlsServer({
    key,
    cert,
    ALPNProtocols,
    allowHalfOpen: true,
    handshakeTimeout: 2 ** 31 - 1,
  });
  const waiting = new Map<number | undefined, (stream: TLSSocket | undefined) => void>();
  server.on("tlsClientError", (_, stream) => waiting.get(stream.remotePort)?.(undefined));
  server.on("secureConnection", (stream) => waiting.get(stream.remotePort)?.(stream));
  return async (raw, number) => {
    const { remotePort } = raw;
    const stream = await new Promise<TLSSocket | undefined>((resolve) => {
      waiting.set(remotePort, resolve);
      raw.on("close", () => resolve(undefined));
      server.emit("connection", raw);
    });
    waiting.delete(remotePort);
    if (!stream) {
      raw.destroySoon();
      return;
    }
    stream.on("error", ignore).on("close", () => raw.destroySoon());
    if (stream.alpnProtocol === "h2") return serveHttp2({ connection: stream, raw, number, shared });
    return serveHttp1({ stream, raw, source: new ByteSource(stream), number }, shared);
  };
}

async function listen(
  server: Server,
  { host = "127.0.0.1", port = 0 }: FaultOriginOptions,
): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error(`No port to listen on at ${host}`);
  return { host, port: address.port };
}

function ignore(): void {}
