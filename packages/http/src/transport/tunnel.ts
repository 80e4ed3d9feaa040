import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ProxyError } from "../errors.ts";
import { handshake, type TlsOptions } from "./tls.ts";

/** What leads to an origin through a proxy. */
export interface Route {
  /** An http or https proxy, with user and password where it wants them. */
  readonly proxy: URL;
  readonly origin: URL;
  readonly tls: TlsOptions;
  /** Opens a TCP connection to the proxy. */
  readonly open: () => Promise<Socket>;
}

/** The Proxy-Authorization that a proxy's URL stands for (RFC 7617); undefined when it names nobody. */
export function proxyAuthorization({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

/**
 * Connects to a proxy and, for an https origin, has it open a tunnel (RFC 9110 §9.3.6). What fails on the way is the
 * proxy's fault, never the origin's, and the proxy is never gone around.
 *
 * @throws ProxyError, with the status where the proxy answered; the signal's reason.
 */
export async function throughProxy(route: Route, signal: AbortSignal): Promise<Socket> {
  const { proxy, origin } = route;
  try {
    const socket = await reach(route, signal);
    return origin.protocol === "https:" ? await tunnel(socket, route, signal) : socket;
  } catch (cause) {
    if (signal.aborted || cause instanceof ProxyError) throw cause;
    throw new ProxyError(`The proxy ${proxy.host} could not be reached`, { cause });
  }
}

async function reach({ proxy, tls, open }: Route, signal: AbortSignal): Promise<Socket | TLSSocket> {
  const socket = await open();
  return proxy.protocol === "https:"
    ? handshake(socket, { hostname: proxy.hostname, ...tls }, signal)
    : socket;
}

// A proxy that answers CONNECT with more than this is not answering CONNECT.
const maxHeadBytes = 16 * 1024;

function tunnel(socket: Socket, { proxy, origin }: Route, signal: AbortSignal): Promise<Socket> {
  const target = `${origin.hostname}:${origin.port || 443}`;
  const authorization = proxyAuthorization(proxy);
  const lines = [`CONNECT ${target} HTTP/1.1`, `Host: ${target}`];
  if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`);
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0);
    const settle = (): void => {
      socket.off("data", read).off("close", closed);
      signal.removeEventListener("abort", abort);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.destroy();
      reject(error);
    };
    const abort = (): void => fail(signal.reason);
    const closed = (): void =>
      fail(new ProxyError(`The proxy ${proxy.host} closed the connection instead of answering CONNECT`));
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end === -1 && head.length <= maxHeadBytes) return;
      const refusal =
        end === -1 ? notHttp(proxy) : refusalOf(proxy, head.toString("latin1", 0, head.indexOf("\r\n")));
      if (refusal !== undefined) return fail(refusal);
      settle();
      // Bytes that came behind the head are the origin's.
      socket.pause();
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    socket.on("data", read).on("close", closed);
    signal.addEventListener("abort", abort, { once: true });
  });
}

function refusalOf(proxy: URL, statusLine: string): ProxyError | undefined {
  const [, digits] = /^HTTP\/1\.[01] (\d{3})/.exec(statusLine) ?? [];
  if (digits === undefined) return notHttp(proxy);
  const status = Number(digits);
  if (status >= 200 && status < 300) return undefined;
  return new ProxyError(`The proxy ${proxy.host} refused the tunnel: ${statusLine.slice(9)}`, { status });
}

function notHttp(proxy: URL): ProxyError {
  return new ProxyError(`The proxy ${proxy.host} does not answer CONNECT in HTTP`);
}
