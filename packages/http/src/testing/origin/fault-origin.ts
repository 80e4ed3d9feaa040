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

/** What an origin does and where it listens. */
export interface FaultOriginOptions {
  /** What is answered, by path. @default {} (a 404 for everything) */
  readonly routes?: Routes;
  /** What happens to each accepted connection before it is served: one thing always, or one per connection of which the last repeats. @default accept() */
  readonly onConnection?: Reply | readonly Reply[];
  /** Speaks TLS with this certificate. @default none: plain TCP */
  readonly tls?: KeyAndCertificate;
  /** Speaks HTTP/2: beside HTTP/1.1 by ALPN under TLS, else alone and with prior knowledge. @default false */
  readonly http2?: boolean;
  /** A loopback address. @default "127.0.0.1" */
  readonly host?: string;
  /** @default 0: any free port */
  readonly port?: number;
  /** How many requests are remembered; counts and gaps are kept of all. @default Infinity */
  readonly maxRecorded?: number;
}

/** A running origin. */
export interface FaultOrigin extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** What it was asked, in order of arrival. A record is completed while its request is read and answered. */
  readonly requests: readonly RecordedRequest[];
  /** How many connections it accepted. */
  readonly connections: number;
  readonly openConnections: number;
  /** What responders and steps threw; the client got a 500 instead. */
  readonly errors: readonly unknown[];
  /** How many requests came to this path. */
  attempts(path: string): number;
  /** Milliseconds from the start of each request to this path to the start of the next. */
  gaps(path: string): readonly number[];
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

/** A server on loopback that plays the scripts of its routes, faults included, and records what it was asked. */
export async function faultOrigin(options: FaultOriginOptions = {}): Promise<FaultOrigin> {
  const recorder = new Recorder(options.maxRecorded ?? Infinity);
  const errors: unknown[] = [];
  const shared: Shared = { routes: options.routes ?? {}, recorder, onError: (error) => errors.push(error) };
  const sockets = new Set<Socket>();
  const receive = receiver(options, shared);
  let connections = 0;
  // Under TLS a half-open socket would never notice that its peer left during the handshake.
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

/** Plays what comes before the first request; true when the connection is to be served, with its bytes back in place. */
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
