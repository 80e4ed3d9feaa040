import { BlockList, isIP, isIPv6 } from "node:net";

/**
 * The blocks of the IANA IPv4 Special-Purpose Address Registry (RFC 6890), also those that are globally
 * reachable: they lead to services of a network (192.0.0.9, 192.88.99.0/24) and not to sites. Multicast has its own registry.
 */
const specialIpv4: Readonly<Record<string, string>> = {
  "0.0.0.0/8": "this network",
  "10.0.0.0/8": "private",
  "100.64.0.0/10": "shared by a carrier",
  "127.0.0.0/8": "loopback",
  "169.254.0.0/16": "link-local",
  "172.16.0.0/12": "private",
  "192.0.0.0/24": "reserved for protocols",
  "192.0.2.0/24": "for documentation",
  "192.31.196.0/24": "AS112",
  "192.52.193.0/24": "AMT",
  "192.88.99.0/24": "6to4 relay",
  "192.168.0.0/16": "private",
  "192.175.48.0/24": "AS112",
  "198.18.0.0/15": "for benchmarks",
  "198.51.100.0/24": "for documentation",
  "203.0.113.0/24": "for documentation",
  "224.0.0.0/4": "multicast",
  "240.0.0.0/4": "reserved",
};

/** The only IPv6 addresses that IANA has allocated to hosts on the internet (Internet Protocol Version 6 Address Space). */
const globalIpv6 = "2000::/3";

/** The blocks of the IANA IPv6 Special-Purpose Address Registry inside of `globalIpv6`. */
const specialIpv6: Readonly<Record<string, string>> = {
  "2001::/32": "Teredo",
  "2001::/23": "reserved for protocols",
  "2001:db8::/32": "for documentation",
  "2002::/16": "6to4",
  "2620:4f:8000::/48": "AS112",
  "3fff::/20": "for documentation",
};

/** Names of frequent blocks outside of `globalIpv6`, for messages. */
const otherIpv6: Readonly<Record<string, string>> = {
  "::1/128": "loopback",
  "::/128": "unspecified",
  "::ffff:0:0/96": "an IPv4 address in IPv6",
  "64:ff9b::/96": "NAT64",
  "64:ff9b:1::/48": "NAT64",
  "fc00::/7": "private",
  "fe80::/10": "link-local",
  "ff00::/8": "multicast",
};

/** A named set of addresses. */
interface NamedBlock {
  readonly name: string;
  readonly addresses: BlockList;
}

/** Decides about single addresses. */
export interface AddressRule {
  /** Returns why an address is not public and not in an allowed range, such as "loopback"; undefined if it may be used. */
  readonly problemWith: (address: string) => string | undefined;
}

/** Creates the rule for addresses of the internet and of the allowed ranges, such as `10.0.0.0/8` or `192.0.2.1`. */
export function createAddressRule(allowedRanges: readonly string[]): AddressRule {
  const allowed = toBlockList(allowedRanges);
  const ipv4 = toNamedBlocks(specialIpv4);
  const global = toBlockList([globalIpv6]);
  const ipv6 = toNamedBlocks({ ...specialIpv6, ...otherIpv6 });
  return {
    problemWith: (text) => {
      const address = text.replace(/%.*$/, "");
      const family = isIPv6(address) ? "ipv6" : "ipv4";
      if (allowed.check(address, family)) return undefined;
      if (family === "ipv4") return findName(ipv4, address, family);
      return findName(ipv6, address, family) ?? (global.check(address, family) ? undefined : "reserved");
    },
  };
}

function findName(
  blocks: readonly NamedBlock[],
  address: string,
  family: "ipv4" | "ipv6",
): string | undefined {
  return blocks.find(({ addresses }) => addresses.check(address, family))?.name;
}

function toNamedBlocks(blocks: Readonly<Record<string, string>>): readonly NamedBlock[] {
  return Object.entries(blocks).map(([range, name]) => ({ name, addresses: toBlockList([range]) }));
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", length] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}
