import { isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { stripRootDot } from "@holdfast/policy/internal";

/**
 * Returns the one form in which host names are compared: lower case, without the dot of the DNS root, international names in
 * ASCII (RFC 5891), and IPv6 addresses in their short form without brackets. A text that is not a host only gets lower case.
 */
export function normalizeHost(text: string): string {
  const host = text.trim().toLowerCase();
  // Only international names need the conversion, which returns nothing for invalid ones.
  const name = /\P{ASCII}/u.test(host) ? domainToASCII(host) || host : host;
  const bare = stripRootDot(name).replace(/^\[(.*)\]$/, "$1");
  return bare.includes(":") && isIPv6(bare) ? shortenIpv6(bare) : bare;
}

/** Returns the short form of an IPv6 address (RFC 5952), which URLs have. */
function shortenIpv6(address: string): string {
  const url = `http://[${address}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}
