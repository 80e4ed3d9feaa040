import { lookup } from "node:dns";
import { isIP, connect as connectTcp, type Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectionError } from "../../errors/transport-errors.ts";
import { errorCode } from "../errors/error-code.ts";
import { SharedRead } from "../wire/read-buffer.ts";

/** Finds the addresses of a name, in the order in which they should be tried. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** Asks the system's resolver, as every program on the machine does. */
export const systemLookup: Lookup = (hostname) =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true, order: "verbatim" }, (error, addresses) =>
      error === null ? resolve(addresses.map(({ address }) => address)) : reject(error),
    );
  });

// RFC 8305 §5: the recommended delay before the next address is tried beside the ones still pending.
const attemptDelayMs = 250;

export interface TcpTarget {
  readonly hostname: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
  /** Reads into a buffer that all such sockets share; whoever gets the socket has to know. */
  readonly sharedRead?: boolean | undefined;
  readonly lookup: Lookup;
  readonly clock: Clock;
  /** Hears when the name is found, and when there is a connection. */
  readonly phaseEnded?: (leg: "dns" | "tcp") => void;
}

/**
 * Opens a TCP connection to whichever address of the host answers first: the next address starts when one fails, or
 * 250 ms after the last start, and attempts that are under way go on (RFC 8305 §5).
 *
 * @throws ConnectionError with the platform's code; the signal's reason.
 */
export async function connectHappyEyeballs(target: TcpTarget, signal: AbortSignal): Promise<Socket> {
  const addresses = interleaveFamilies(await resolveAddresses(target));
  if (isIP(target.hostname) === 0) target.phaseEnded?.("dns");
  signal.throwIfAborted();
  const race = new AddressRace(target, signal);
  try {
    const socket = await race.run(addresses);
    target.phaseEnded?.("tcp");
    return socket;
  } finally {
    race.end();
  }
}

/**
 * Finds the addresses of a host; an address is its own.
 *
 * @throws ConnectionError of the phase "dns".
 */
export async function resolveAddresses({
  hostname,
  lookup,
}: Pick<TcpTarget, "hostname" | "lookup">): Promise<readonly string[]> {
  if (isIP(hostname) !== 0) return [hostname];
  try {
    return await lookup(hostname);
  } catch (cause) {
    const errno = errorCode(cause);
    throw new ConnectionError(`The name ${hostname} was not found (${errno})`, {
      cause,
      errno,
      phase: "dns",
      mayHaveArrived: false,
    });
  }
}

/** Families in turn, starting with the first address's (RFC 8305 §4). */
function interleaveFamilies(addresses: readonly string[]): readonly string[] {
  const first = addresses.filter((address) => isIP(address) === isIP(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  return first
    .flatMap((address, index) => [address, ...second.slice(index, index + 1)])
    .concat(second.slice(first.length));
}

class AddressRace {
  readonly #target: TcpTarget;
  readonly #signal: AbortSignal;
  readonly #pending = new Set<Socket>();
  readonly #over = new AbortController();

  constructor(target: TcpTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /** Drops every attempt that has not won. */
  end(): void {
    this.#over.abort();
    for (const socket of this.#pending) socket.destroy();
  }

  run(addresses: readonly string[]): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const queue = [...addresses];
      let failure: ConnectionError | undefined;
      const abort = (): void => reject(this.#signal.reason);
      this.#signal.addEventListener("abort", abort, { once: true, signal: this.#over.signal });
      const next = (): void => {
        const address = queue.shift();
        if (address === undefined) {
          if (this.#pending.size === 0) reject(failure ?? noAddressError(this.#target.hostname));
          return;
        }
        this.#try(address).then(resolve, (error: ConnectionError) => {
          failure ??= error;
          next();
        });
        if (queue.length > 0) this.#later(next);
      };
      next();
    });
  }

  #later(next: () => void): void {
    const left = this.#pending.size;
    this.#target.clock.sleep(attemptDelayMs, this.#over.signal).then(
      () => {
        if (this.#pending.size >= left) next();
      },
      () => undefined,
    );
  }

  #try(host: string): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const { port, localAddress, sharedRead = false } = this.#target;
      const read = sharedRead ? new SharedRead() : undefined;
      const socket = connectTcp({
        host,
        port,
        noDelay: true,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(read === undefined ? {} : { onread: read.options }),
      });
      read?.attachTo(socket);
      this.#pending.add(socket);
      socket.once("connect", () => {
        this.#pending.delete(socket);
        resolve(socket);
      });
      // Stays for good: an error that comes before the next owner listens must not end the process.
      socket.on("error", (cause) => {
        this.#pending.delete(socket);
        reject(connectionError(`${host}:${port}`, cause));
      });
    });
  }
}

function connectionError(target: string, cause: Error): ConnectionError {
  const errno = errorCode(cause);
  const what = errno === "ECONNREFUSED" ? "refused the connection" : "could not be reached";
  return new ConnectionError(`${target} ${what} (${errno})`, {
    cause,
    errno,
    phase: "connect",
    mayHaveArrived: false,
  });
}

/** Says that a name has no address. */
export function noAddressError(hostname: string): ConnectionError {
  return new ConnectionError(`The name ${hostname} has no address`, {
    errno: "ENODATA",
    phase: "dns",
    mayHaveArrived: false,
  });
}
