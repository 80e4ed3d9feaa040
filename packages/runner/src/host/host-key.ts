import { stripRootDot } from "@holdfast/policy/internal";

/** Returns the key under which a run keeps what it knows about the server of a URL. */
export type HostKey = (url: string) => string;

/**
 * Returns the host of a URL: its name, and its port unless it is the scheme's own. `http://a` and `https://a` have the same
 * key, because they are usually the same machines with the same limits.
 */
export function hostKey(url: string): string {
  return stripRootDot(new URL(url).host);
}

/** Returns whether the key of a host is an IP address, which no resolver was asked about. */
export function isAddress(key: string): boolean {
  return key.startsWith("[") || /^\d+\.\d+\.\d+\.\d+(:\d+)?$/.test(key);
}
