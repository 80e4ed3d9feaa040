import type { Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { systemClock, type Clock } from "@holdfast/policy";
import { ConnectTimeoutError, TlsError } from "../errors.ts";
import { codeOf, connectAny, systemLookup, type Lookup } from "./happy-eyeballs.ts";

/** What TLS is told; certificates are checked unless `rejectUnauthorized` is false. */
export type TlsOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "key" | "passphrase" | "pfx" | "rejectUnauthorized" | "servername" | "minVersion" | "maxVersion" | "ciphers"
>;

export interface ConnectorOptions {
  readonly tls?: TlsOptions | undefined;
  /** Offers HTTP/2 in the TLS handshake. @default false */
  readonly http2?: boolean | undefined;
  /** Finds the addresses of a host. @default the system's resolver */
  readonly lookup?: Lookup | undefined;
  /** The address that connections leave from. */
  readonly localAddress?: string | undefined;
  readonly clock?: Clock | undefined;
}

/** Opens one connection to an origin, ready for a request. */
export type Connector = (origin: URL, limit: number, signal: AbortSignal) => Promise<Socket | TLSSocket>;

/**
 * Makes a connector whose `limit`, in milliseconds, covers the name, every address and TLS.
 *
 * It throws ConnectionError, ConnectTimeoutError, TlsError, or the signal's reason; nothing of a request has been sent by then.
 */
export function connector(options: ConnectorOptions = {}): Connector {
  const { clock = systemClock, lookup = systemLookup, localAddress, tls = {}, http2 = false } = options;
  const sessions = new TlsSessions();
  return (origin, limit, signal) => {
    const secure = origin.protocol === "https:";
    const hostname = origin.hostname.replace(/^\[|\]$/g, "");
    const port = Number(origin.port || (secure ? 443 : 80));
    return within({ clock, limit, signal, target: origin.host }, async (ended) => {
      const socket = await connectAny({ hostname, port, lookup, clock, localAddress }, ended);
      if (!secure) return socket;
      const protocols = http2 ? ["h2", "http/1.1"] : ["http/1.1"];
      const session = sessions.of(origin.host);
      const secured = await handshake(socket, { ALPNProtocols: protocols, hostname, ...(session && { session }), ...tls }, ended);
      secured.on("session", (ticket: Buffer) => sessions.keep(origin.host, ticket));
      return secured;
    });
  };
}

// A ticket is a kilobyte or two, and a crawl meets more hosts than it comes back to.
const maxSessions = 1_000;

/** The latest TLS session of each host, for a shorter handshake the next time (RFC 8446 §2.2). */
class TlsSessions {
  readonly #tickets = new Map<string, Buffer>();

  of(host: string): Buffer | undefined {
    return this.#tickets.get(host);
  }

  keep(host: string, ticket: Buffer): void {
    this.#tickets.delete(host);
    this.#tickets.set(host, ticket);
    const [oldest] = this.#tickets.keys();
    if (oldest !== undefined && this.#tickets.size > maxSessions) this.#tickets.delete(oldest);
  }
}

interface Limit {
  readonly clock: Clock;
  /** Milliseconds. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly target: string;
}

async function within<T extends Socket>(
  { clock, limit, signal, target }: Limit,
  work: (ended: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const abort = (): void => ended.abort(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  const done = new AbortController();
  clock.sleep(limit, done.signal).then(
    () => ended.abort(new ConnectTimeoutError(target, limit)),
    () => undefined,
  );
  const working = work(ended.signal);
  try {
    // A resolver cannot be told to stop: whoever waits for it is let go all the same.
    return await Promise.race([working, rejection(ended.signal)]);
  } catch (error) {
    working.then(
      (late) => late.destroy(),
      () => undefined,
    );
    throw error;
  } finally {
    done.abort();
    signal.removeEventListener("abort", abort);
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function handshake(socket: Socket, { hostname, ...options }: ConnectionOptions & { hostname: string }, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const servername = options.servername ?? hostname;
    const secured = connectTls({ ...options, socket, host: hostname, ...(isName(servername) && { servername }) });
    const abort = (): void => {
      secured.destroy();
      reject(signal.reason as Error);
    };
    const fail = (cause: Error): void => {
      signal.removeEventListener("abort", abort);
      secured.destroy();
      reject(tlsError(hostname, cause));
    };
    const close = (): void => fail(Object.assign(new Error("The connection was closed"), { code: "ECONNRESET" }));
    signal.addEventListener("abort", abort, { once: true });
    // Stays for good: an error that comes before the next owner listens must not end the process.
    secured.on("error", fail);
    secured.once("close", close);
    secured.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      secured.off("close", close);
      resolve(secured);
    });
  });
}

// SNI names hosts, never addresses (RFC 6066 §3).
function isName(servername: string): boolean {
  return !/^[\d.]+$|:/.test(servername);
}

const certificateCodes = /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

function tlsError(hostname: string, cause: Error): TlsError {
  const errno = codeOf(cause);
  const certificate = certificateCodes.test(errno);
  const what = certificate ? `The certificate of ${hostname} was refused` : `The TLS handshake with ${hostname} failed`;
  return new TlsError(`${what} (${errno})`, { cause, certificate, errno });
}
