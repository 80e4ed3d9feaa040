import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { ByteSource } from "../wire/byte-source.ts";
import { play } from "../wire/play.ts";
import {
  ClientGone,
  take,
  takeCredentials,
  takeMethods,
  takeSocks4Request,
  takeSocks5Request,
  type SocksCredentials,
  type SocksRequest,
} from "./socks-messages.ts";
import { SocketWire } from "../wire/socket-wire.ts";
import type { Reply } from "../replies/steps.ts";

/** Replies that replace the correct ones, step by step. A step without a replacement is correct. */
export interface SocksTurns {
  /** Replaces the choice of the authentication method (SOCKS5). */
  readonly method?: Reply;
  /** Replaces the reply to the credentials (SOCKS5). */
  readonly credentials?: Reply;
  /** Replaces the reply to the request. Unless it ends the connection, the tunnel follows. */
  readonly reply?: Reply;
  /** Replaces the tunnel. */
  readonly tunnel?: Reply;
}

/** The options of `socksProxy`. */
export interface SocksProxyOptions {
  /** Required credentials. @default undefined (no authentication) */
  readonly credentials?: SocksCredentials;
  /** One for all connections, or a list with one per connection that repeats the last. @default {} */
  readonly turns?: SocksTurns | readonly SocksTurns[];
  /** Target of every tunnel. @default the requested target */
  readonly to?: { readonly host: string; readonly port: number };
}

/** A running SOCKS proxy. */
export interface SocksProxy extends AsyncDisposable {
  readonly port: number;
  /** Host and port, for a proxy URL with scheme and credentials. */
  readonly host: string;
  /** Requested targets, in order. */
  readonly requests: readonly SocksRequest[];
  /** Credentials that clients sent, in order. */
  readonly users: readonly SocksCredentials[];
  readonly connections: number;
  readonly openConnections: number;
  close(): Promise<void>;
}

interface Server {
  readonly options: SocksProxyOptions;
  readonly requests: SocksRequest[];
  readonly users: SocksCredentials[];
}

/** Starts a SOCKS4, SOCKS4A and SOCKS5 proxy on loopback that plays scripted faults and records its requests. */
export async function socksProxy(options: SocksProxyOptions = {}): Promise<SocksProxy> {
  const state: Server = { options, requests: [], users: [] };
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    serve(socket, selectTurns(options.turns, connections), state).catch((error: unknown) => {
      socket.destroy();
      if (!(error instanceof ClientGone)) throw error;
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port to listen on");
  const close = async (): Promise<void> => {
    const stopped = server.listening ? once(server.close(), "close") : undefined;
    for (const socket of sockets) socket.destroy();
    await stopped;
  };
  return {
    port: address.port,
    host: `127.0.0.1:${address.port}`,
    requests: state.requests,
    users: state.users,
    get connections() {
      return connections;
    },
    get openConnections() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Sends a SOCKS5 reply with this code and closes (RFC 1928 §6). */
export function socks5Reply(code: number): Reply {
  return [{ send: Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]) }, { end: "fin" }];
}

/** Sends a SOCKS4 reply with this code and closes. 90 would grant the request. */
export function socks4Reply(code: number): Reply {
  return [{ send: Buffer.from([0, code, 0, 0, 0, 0, 0, 0]) }, { end: "fin" }];
}

function selectTurns(turns: SocksProxyOptions["turns"] = {}, number: number): SocksTurns {
  const all: readonly SocksTurns[] = Array.isArray(turns) ? turns : [turns];
  return all[Math.min(number, all.length) - 1] ?? {};
}

const yes5: Reply = [{ send: Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]) }];
const yes4: Reply = [{ send: Buffer.from([0, 90, 0, 0, 0, 0, 0, 0]) }];

async function serve(socket: Socket, turns: SocksTurns, state: Server): Promise<void> {
  const source = new ByteSource(socket);
  const wire = new SocketWire(socket, socket, source);
  const version = (await take(source, 1)).readUInt8();
  const say = async (reply: Reply): Promise<void> => {
    await play(reply, wire);
    if (wire.over) throw new ClientGone();
  };
  const request = version === 4 ? await hear4(source, state) : await hear5(source, { turns, say, state });
  state.requests.push(request);
  await say(turns.reply ?? (version === 4 ? yes4 : yes5));
  await play(turns.tunnel ?? [{ tunnel: state.options.to ?? request }], wire);
}

async function hear4(source: ByteSource, { users }: Server): Promise<SocksRequest> {
  const { user, ...request } = await takeSocks4Request(source);
  users.push({ user, password: "" });
  return request;
}

interface Talk {
  readonly turns: SocksTurns;
  readonly say: (reply: Reply) => Promise<void>;
  readonly state: Server;
}

async function hear5(source: ByteSource, { turns, say, state }: Talk): Promise<SocksRequest> {
  const { credentials } = state.options;
  const offered = await takeMethods(source);
  const method = credentials === undefined ? 0 : 2;
  const acceptable = offered.includes(method);
  await say(turns.method ?? [{ send: Buffer.from([5, acceptable ? method : 0xff]) }]);
  if (credentials !== undefined) {
    const told = await takeCredentials(source);
    state.users.push(told);
    const right = told.user === credentials.user && told.password === credentials.password;
    await say(turns.credentials ?? [{ send: Buffer.from([1, right ? 0 : 1]) }]);
  }
  return takeSocks5Request(source);
}
