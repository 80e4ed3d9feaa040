import type { Socket } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { TlsError } from "../../errors/transport-errors.ts";
import { normalizeHost } from "../../support/host-name.ts";
import { expectCloseNotify } from "./close-notify.ts";
import { openForMocks } from "./msw-context.ts";
import { errorCode } from "../errors/error-code.ts";
import { loadTls } from "../../support/builtins.ts";

/** Options of TLS. Certificates are verified unless `rejectUnauthorized` is false. */
export type TlsOptions = Pick<
  ConnectionOptions,
  | "ca"
  | "cert"
  | "key"
  | "passphrase"
  | "pfx"
  | "rejectUnauthorized"
  | "servername"
  | "minVersion"
  | "maxVersion"
  | "ciphers"
> & {
  /**
   * Whether a body that ends with the connection is complete only after close_notify (RFC 9112 §9.8). Set it to false for a
   * server that never sends close_notify. @default true
   */
  readonly requireCloseNotify?: boolean | undefined;
};

// A ticket takes one or two kilobytes, and a crawl visits many hosts only once.
const maxSessions = 1_000;

/** The tickets of all connectors of a transport, with one bound for all. */
export class TlsTickets {
  readonly #tickets = new Map<string, Buffer>();
  #caches = 0;

  /** Creates a cache that shares the bound of the others, but no ticket. */
  createCache(): TlsSessionCache {
    this.#caches += 1;
    return new TlsSessionCache(this.#tickets, `${this.#caches} `);
  }

  /** Drops all tickets. */
  clear(): void {
    this.#tickets.clear();
  }
}

/** Stores the latest TLS session of each host, which shortens the next handshake (RFC 8446 §2.2). */
export class TlsSessionCache {
  readonly #tickets: Map<string, Buffer>;
  readonly #prefix: string;

  /** The prefix of its keys keeps the cache apart from others in the same map. */
  constructor(tickets: Map<string, Buffer>, prefix: string) {
    this.#tickets = tickets;
    this.#prefix = prefix;
  }

  get(host: string): Buffer | undefined {
    return this.#tickets.get(this.#prefix + host);
  }

  set(host: string, ticket: Buffer): void {
    const key = this.#prefix + host;
    this.#tickets.delete(key);
    this.#tickets.set(key, ticket);
    const [oldest] = this.#tickets.keys();
    if (oldest !== undefined && this.#tickets.size > maxSessions) this.#tickets.delete(oldest);
  }
}

/**
 * Starts TLS on a connected socket and verifies that the server is `hostname`.
 *
 * @throws TlsError; the signal's reason.
 */
export function startTlsOn(
  socket: Socket,
  { hostname, requireCloseNotify = true, ...options }: ConnectionOptions & TlsOptions & { hostname: string },
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const servername = options.servername === undefined ? hostname : normalizeHost(options.servername);
    const own = { ...options, socket, host: hostname, ...(isServerName(servername) && { servername }) };
    const secured = openForMocks(() => loadTls().connect(own));
    if (requireCloseNotify) expectCloseNotify(secured, socket);
    const abort = (): void => {
      secured.destroy();
      reject(signal.reason);
    };
    const fail = (cause: Error): void => {
      signal.removeEventListener("abort", abort);
      secured.destroy();
      reject(toTlsError(hostname, cause));
    };
    const close = (): void =>
      fail(Object.assign(new Error("The connection was closed"), { code: "ECONNRESET" }));
    signal.addEventListener("abort", abort, { once: true });
    // Never removed: an error before the next owner of the socket listens must not end the process.
    secured.on("error", fail);
    secured.once("close", close);
    secured.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      secured.off("close", close);
      resolve(secured);
    });
  });
}

// SNI contains host names without the dot of the DNS root, never addresses (RFC 6066 §3).
function isServerName(servername: string): boolean {
  return !/^[\d.]+$|:/.test(servername);
}

const certificateCodes =
  /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

/** Returns the error for a failed TLS handshake. */
export function toTlsError(hostname: string, cause: Error): TlsError {
  const errno = errorCode(cause);
  const certificate = certificateCodes.test(errno);
  const failure = certificate
    ? `The certificate of ${hostname} was rejected`
    : `The TLS handshake with ${hostname} failed`;
  return new TlsError(`${failure} (${errno})`, { cause, certificate, errno });
}
