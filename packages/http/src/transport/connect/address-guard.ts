import { isIP } from "node:net";
import { AddressNotAllowedError } from "../../errors/transport-errors.ts";
import type { AddressRule } from "./public-addresses.ts";

/** The options that restrict addresses. */
export interface AddressOptions {
  /**
   * "public" connects only to addresses of the internet: not to private, loopback, link-local, multicast or reserved ones, not
   * to IPv6 addresses that contain an IPv4 address, and not to Unix sockets. Each connection checks the address that it uses,
   * after the lookup. A tunnel through a proxy receives the address; the address of the proxy itself is not checked.
   * @default "any"
   */
  readonly addresses?: "any" | "public" | undefined;
  /**
   * Addresses and ranges that `addresses: "public"` also allows, such as `["10.1.0.0/16", "fd00::5"]`.
   * @default none
   */
  readonly allowAddresses?: readonly string[] | undefined;
  /**
   * Whether, with `addresses: "public"`, a proxy may look up the names of `http:` URLs, unchecked. Otherwise such a request
   * throws an AddressNotAllowedError, because a proxy for plain http receives the name. @default false
   */
  readonly proxyResolves?: boolean | undefined;
}

/** Checks the addresses of connections. */
export interface AddressGuard {
  /**
   * Returns the addresses that may be used, in their order.
   *
   * @throws AddressNotAllowedError when there are only others.
   */
  select(hostname: string, addresses: readonly string[]): Promise<readonly string[]>;
  /** Checks the host of a request that a proxy forwards. @throws AddressNotAllowedError */
  checkForwarded(hostname: string): Promise<void>;
}

/** Returns the guard of a connector; undefined allows every address. The tables are loaded at the first connection. */
export function createAddressGuard({
  addresses = "any",
  allowAddresses = [],
  proxyResolves = false,
}: AddressOptions): AddressGuard | undefined {
  if (addresses === "any") return undefined;
  let rule: Promise<AddressRule> | undefined;
  const loadRule = (): Promise<AddressRule> =>
    (rule ??= import("./public-addresses.ts").then((module) => module.createAddressRule(allowAddresses)));
  const select: AddressGuard["select"] = async (hostname, found) => {
    const { problemWith } = await loadRule();
    const allowed = found.filter((address) => problemWith(address) === undefined);
    const [refused] = found;
    if (allowed.length > 0 || refused === undefined) return allowed;
    throw notPublicError(hostname, refused, problemWith(refused));
  };
  return {
    select,
    checkForwarded: async (hostname) => {
      if (isIP(hostname) !== 0) await select(hostname, [hostname]);
      else if (!proxyResolves)
        throw new AddressNotAllowedError(
          `The address of ${hostname} cannot be checked: the proxy would look it up. Use https, or proxyResolves: true`,
        );
    },
  };
}

function notPublicError(hostname: string, address: string, problem = "reserved"): AddressNotAllowedError {
  const owner = hostname === address ? "" : ` of ${hostname}`;
  return new AddressNotAllowedError(
    `The address ${address}${owner} is not public (${problem}), and addresses is "public". Add its range to allowAddresses if it is yours`,
    address,
  );
}

/** Returns the error for a Unix socket, which has no address. */
export function socketNotAllowedError(socketPath: string): AddressNotAllowedError {
  return new AddressNotAllowedError(
    `The Unix socket ${socketPath} is not a public address, and addresses is "public"`,
  );
}
