import type { Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { TlsError } from "../../errors/transport-errors.ts";
import { expectCloseNotify } from "./close-notify.ts";
import { errorCode } from "../errors/error-code.ts";

/** What TLS is told; certificates are checked unless `rejectUnauthorized` is false. */
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
   * Whether the end of a connection has to be announced by close_notify to be the end of a body that nothing else delimits
   * (RFC 9112 §9.8); false for a server that never does. @default true
   */
  readonly requireCloseNotify?: boolean | undefined;
};

// A ticket is a kilobyte or two, and a crawl meets more hosts than it comes back to.
const maxSessions = 1_000;

/** The latest TLS session of each host, for a shorter handshake the next time (RFC 8446 §2.2). */
export class TlsSessionCache {
  readonly #tickets = new Map<string, Buffer>();

  get(host: string): Buffer | undefined {
    return this.#tickets.get(host);
  }

  set(host: string, ticket: Buffer): void {
    this.#tickets.delete(host);
    this.#tickets.set(host, ticket);
    const [oldest] = this.#tickets.keys();
    if (oldest !== undefined && this.#tickets.size > maxSessions) this.#tickets.delete(oldest);
  }
}

/**
 * Makes a socket secure and checks that it leads to `hostname`.
 *
 * @throws TlsError; the signal's reason.
 */
export function startTlsOn(
  socket: Socket,
  { hostname, requireCloseNotify = true, ...options }: ConnectionOptions & TlsOptions & { hostname: string },
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const servername = options.servername ?? hostname;
    const secured = connectTls({
      ...options,
      socket,
      host: hostname,
      ...(isServerName(servername) && { servername }),
    });
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
function isServerName(servername: string): boolean {
  return !/^[\d.]+$|:/.test(servername);
}

const certificateCodes =
  /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

function toTlsError(hostname: string, cause: Error): TlsError {
  const errno = errorCode(cause);
  const certificate = certificateCodes.test(errno);
  const what = certificate
    ? `The certificate of ${hostname} was refused`
    : `The TLS handshake with ${hostname} failed`;
  return new TlsError(`${what} (${errno})`, { cause, certificate, errno });
}
