import { lookup } from "node:dns";
import net, { isIP, type LookupFunction, type Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectionError } from "../../errors/transport-errors.ts";
import { errorCode } from "../errors/error-code.ts";
import { startLimit } from "../../support/limit-timer.ts";
import type { AddressGuard } from "./address-guard.ts";
import { openForMocks } from "./msw-context.ts";
import { SharedRead } from "../wire/read-buffer.ts";
import { lookUpShared, type Lookup } from "./shared-lookup.ts";

/** Looks up names with the system's resolver, as other programs on the machine do. */
export const systemLookup: Lookup = (hostname) =>
  new Promise((resolve, reject) => {
    lookup(hostname, { all: true, order: "verbatim" }, (error, addresses) =>
      error === null ? resolve(addresses.map(({ address }) => address)) : reject(error),
    );
  });

// RFC 8305 §5: the recommended delay before the next address is tried in parallel.
const attemptDelayMs = 250;

// NAT gateways forget connections that are silent for some minutes. As in undici, the kernel asks the peer after one minute.
const keepAliveDelayMs = 60_000;

export interface TcpTarget {
  readonly hostname: string;
  readonly port: number;
  readonly localAddress?: string | undefined;
  /** The only address family to connect to. An IP address in place of a name is always used. */
  readonly family?: 4 | 6 | undefined;
  /** Has the socket read into the shared buffer. The user of the socket must read it with `readSocket`. */
  readonly sharedRead?: boolean | undefined;
  readonly lookup: Lookup;
  readonly clock: Clock;
  /** Checks the addresses before any of them is connected to. @default every address is allowed */
  readonly guard?: AddressGuard | undefined;
  /** Called when the name has been looked up, and when the connection is open. */
  readonly phaseEnded?: (leg: "dns" | "tcp") => void;
}

/**
 * Opens a TCP connection to the address of a host that accepts first (RFC 8305 §5). The next address is tried when one
 * fails, or 250 ms after the previous start. Attempts under way continue.
 *
 * @throws ConnectionError with the platform's code; the signal's reason.
 */
export async function connectHappyEyeballs(target: TcpTarget, signal: AbortSignal): Promise<Socket> {
  const race = new AddressRace(target, signal);
  try {
    const socket = await race.run(isIP(target.hostname) === 0 ? undefined : await resolveAddresses(target));
    target.phaseEnded?.("tcp");
    return socket;
  } finally {
    race.end();
  }
}

/**
 * Looks up the addresses of a host that the guard allows. An IP address stands for itself.
 *
 * @throws ConnectionError of the phase "dns"; AddressNotAllowedError.
 */
export async function resolveAddresses({
  hostname,
  lookup,
  clock,
  family,
  guard,
}: Pick<TcpTarget, "hostname" | "lookup" | "clock" | "family" | "guard">): Promise<readonly string[]> {
  const isLiteral = isIP(hostname) !== 0;
  const found = isLiteral ? [hostname] : requireAddresses(await lookUp(hostname, { lookup, clock }));
  const addresses =
    family === undefined || isLiteral ? found : found.filter((address) => isIP(address) === family);
  return guard === undefined ? addresses : guard.select(hostname, addresses);
}

async function lookUp(
  hostname: string,
  resolver: Pick<TcpTarget, "lookup" | "clock">,
): Promise<readonly string[]> {
  try {
    return await lookUpShared(hostname, resolver);
  } catch (cause) {
    const errno = errorCode(cause);
    throw new ConnectionError(`The name ${hostname} could not be resolved (${errno})`, {
      cause,
      errno,
      phase: "dns",
      mayHaveArrived: false,
    });
  }
}

/** @throws TypeError for the result of a lookup that is not a list of addresses. */
function requireAddresses(result: readonly string[]): readonly string[] {
  const list: unknown = result;
  if (Array.isArray(list) && list.every((address) => isIP(String(address)) !== 0)) return result;
  throw new TypeError(
    `lookup must return a promise of a list of IP addresses, such as ["192.0.2.1"], got ${JSON.stringify(result)}`,
  );
}

/** Alternates the address families, starting with the family of the first address (RFC 8305 §4). */
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
  readonly #raceOver = new AbortController();
  /** The addresses that have not been tried. */
  #queue: readonly string[] = [];
  #failure: Error | undefined;

  constructor(target: TcpTarget, signal: AbortSignal) {
    this.#target = target;
    this.#signal = signal;
  }

  /** Closes every attempt that has not won. */
  end(): void {
    this.#raceOver.abort();
    for (const socket of this.#pending) socket.destroy();
  }

  /**
   * Runs the race between the addresses, or looks up the name of the target. The first socket does that lookup: a mock of
   * connections replaces it, so that a mocked name needs no DNS.
   */
  run(addresses: readonly string[] | undefined): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(this.#signal.reason);
      if (this.#signal.aborted) return abort();
      this.#signal.addEventListener("abort", abort, { once: true, signal: this.#raceOver.signal });
      const fail = (error: Error): void => {
        this.#failure ??= error;
        next();
      };
      const next = (): void => {
        const [address, ...others] = this.#queue;
        this.#queue = others;
        if (address === undefined) {
          if (this.#pending.size === 0) reject(this.#failure ?? noAddressError(this.#target));
          return;
        }
        this.#connect(lookupOf(address)).then(resolve, fail);
        this.#startNextLater(next);
      };
      if (addresses === undefined) this.#connect(this.#lookUpFirst(next)).then(resolve, fail);
      else {
        this.#queue = addresses;
        next();
      }
    });
  }

  /** Returns a lookup that gives the first address of the target, and leaves the others to `next`. */
  #lookUpFirst(next: () => void): AddressLookup {
    const lookUp = async (): Promise<string> => {
      const [first, ...others] = interleaveFamilies(await resolveAddresses(this.#target));
      this.#target.phaseEnded?.("dns");
      if (first === undefined) throw noAddressError(this.#target);
      if (!this.#raceOver.signal.aborted) {
        this.#queue = others;
        this.#startNextLater(next);
      }
      return first;
    };
    return { address: undefined, failure: undefined, lookUp };
  }

  #startNextLater(next: () => void): void {
    if (this.#queue.length === 0) return;
    const left = this.#pending.size;
    const { clock } = this.#target;
    const stop = startLimit({ clock, limit: attemptDelayMs }, () => {
      if (this.#pending.size >= left) next();
    });
    this.#raceOver.signal.addEventListener("abort", stop, { once: true });
  }

  #connect(lookup: AddressLookup): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const { hostname, port, localAddress, sharedRead = false } = this.#target;
      const read = sharedRead ? new SharedRead() : undefined;
      // The name and not the address, and through the module object: tools and mocks replace `net.connect` and read its options.
      const options = {
        host: hostname,
        port,
        lookup: toLookupFunction(lookup),
        autoSelectFamily: false,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: keepAliveDelayMs,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(read === undefined ? {} : { onread: read.options }),
      };
      const socket = openForMocks(() => net.connect(options));
      read?.attachTo(socket);
      this.#pending.add(socket);
      socket.once("connect", () => {
        this.#pending.delete(socket);
        resolve(socket);
      });
      // Never removed: an error before the next owner of the socket listens must not end the process.
      socket.on("error", (cause) => {
        this.#pending.delete(socket);
        const { failure, address = hostname } = lookup;
        reject(failure ?? connectionError(`${address}:${port}`, cause));
      });
    });
  }
}

/** The lookup of one attempt. */
interface AddressLookup {
  /** Undefined until it is known. */
  address: string | undefined;
  /** Why there is no address. */
  failure: Error | undefined;
  readonly lookUp: () => Promise<string>;
}

function lookupOf(address: string): AddressLookup {
  return { address, failure: undefined, lookUp: () => Promise.resolve(address) };
}

/** Returns the lookup as a function for `net.connect`. */
function toLookupFunction(lookup: AddressLookup): LookupFunction {
  return (_hostname, { all = false }, callback) => {
    const found = (address: string): void => {
      lookup.address = address;
      const family = isIP(address);
      if (all) callback(null, [{ address, family }]);
      else callback(null, address, family);
    };
    if (lookup.address !== undefined) return found(lookup.address);
    lookup.lookUp().then(found, (error: Error) => {
      lookup.failure = error;
      callback(error, "", 0);
    });
  };
}

/** Returns the error for a target that accepts no connection. */
export function connectionError(target: string, cause: Error): ConnectionError {
  const errno = errorCode(cause);
  const failure = errno === "ECONNREFUSED" ? "refused the connection" : "could not be reached";
  return new ConnectionError(`${target} ${failure} (${errno})`, {
    cause,
    errno,
    phase: "connect",
    mayHaveArrived: false,
  });
}

/** Returns the error for a name without addresses. */
export function noAddressError({
  hostname,
  family,
}: Pick<TcpTarget, "hostname" | "family">): ConnectionError {
  const kind = family === undefined ? "address" : `IPv${family} address`;
  return new ConnectionError(`The name ${hostname} has no ${kind}`, {
    errno: "ENODATA",
    phase: "dns",
    mayHaveArrived: false,
  });
}
