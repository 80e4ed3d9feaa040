import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { pipeline, type Duplex } from "node:stream";
import type { Engine } from "../dispatch/engine.ts";
import { sendForIncoming, type IncomingResponse } from "../dispatch/incoming.ts";
import {
  ConnectionError,
  ConnectTimeoutError,
  IncompleteBodyError,
  TlsError,
  TransportError,
} from "../errors/transport-errors.ts";
import { openVirtualSocket, type VirtualSocket } from "./virtual-socket.ts";

/** Where a connection inside this process leads to. */
interface Connection {
  readonly origin: string;
  readonly client: VirtualSocket;
}

/** The fields of one connection (RFC 9110 §7.6.1), and those that the session writes itself. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "transfer-encoding",
  "upgrade",
  "expect",
  "trailer",
]);

const mib = 1024 * 1024;

/**
 * Sends requests of node:http through an engine. Each request gets a connection that ends inside this process, at an HTTP server without a
 * port, which passes the request on to the engine. So the request and its response are those of node:http, with all of their events.
 */
export class HttpBridge {
  readonly #engine: Engine;
  readonly #server: Server;
  readonly #connections = new WeakMap<object, Connection>();

  constructor(engine: Engine) {
    this.#engine = engine;
    const limits = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: mib };
    this.#server = createServer({ ...limits, insecureHTTPParser: true }, (request, response) => {
      void this.#pass(request, response);
    });
  }

  /** Returns an agent for requests with a protocol. */
  agentFor(protocol: "http:" | "https:"): Agent {
    const isSecure = protocol === "https:";
    const agent = new Agent();
    return Object.assign(agent, {
      protocol,
      defaultPort: isSecure ? 443 : 80,
      createConnection: ({ host, port }: { readonly host?: string; readonly port?: number | string }) =>
        this.#open(protocol, `${bracketed(host ?? "localhost")}:${port ?? (isSecure ? 443 : 80)}`),
    });
  }

  #open(protocol: "http:" | "https:", authority: string): Duplex {
    const [client, server] = openVirtualSocket(protocol === "https:");
    this.#connections.set(server, { origin: `${protocol}//${authority}`, client });
    // A client that gives up its request ends the connection.
    server.on("error", () => undefined);
    this.#server.emit("connection", server);
    return client;
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return void response.destroy();
    const { client, origin } = connection;
    const left = new AbortController();
    response.once("close", () => left.abort());
    try {
      const { method = "GET", url: path = "/" } = request;
      const headers = withoutConnectionFields(request.rawHeaders);
      const body = hasBody(request) ? request : null;
      const sent = { origin, path, method, headers, body, signal: left.signal };
      const received = await sendForIncoming(this.#engine, sent);
      client.touch();
      received.on("data", () => client.touch());
      // After the head, a broken body is an error of the response, as in node:http: "aborted", with the code ECONNRESET.
      sendBack(received, response, () => void client.destroy());
    } catch (error) {
      client.destroy(toNodeError(error));
    }
  }
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** Returns names and values in turn, without the fields that concern one connection. */
function withoutConnectionFields(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 1; index < raw.length; index += 2) {
    const [name = "", value = ""] = [raw[index - 1], raw[index]];
    if (!connectionFields.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

function sendBack(received: IncomingResponse, response: ServerResponse, fail: () => void): void {
  response.sendDate = false;
  response.writeHead(
    received.statusCode,
    received.statusMessage,
    withoutConnectionFields(received.rawHeaders),
  );
  pipeline(received, response, (error) => {
    if (error !== null && error !== undefined) fail();
  });
}

/** Returns an error with the code of the platform, which callers of node:http know. */
function toNodeError(error: unknown): Error {
  if (!(error instanceof TransportError)) return error instanceof Error ? error : new Error(String(error));
  return Object.assign(new Error(error.message, { cause: error }), { code: codeOf(error) });
}

function codeOf(error: TransportError): string {
  if (error instanceof ConnectionError || error instanceof TlsError) return error.errno;
  // A short response is passed on when it is complete, so its broken body is an error of the request.
  if (error instanceof IncompleteBodyError) return "ECONNRESET";
  return error instanceof ConnectTimeoutError || /TIMEOUT|DEADLINE/.test(error.code)
    ? "ETIMEDOUT"
    : error.code;
}
