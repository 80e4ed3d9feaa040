/** Whose fault a failure on the way through a proxy was; `unknown` where what was seen fits both. */
export type ProxyFault = "proxy" | "origin" | "unknown";

/**
 * What went wrong on the way through a proxy, in one word that does not change.
 *
 * - `unreachable`, `tls`, `certificate`: no connection to it, or none that is secure; `certificate` is the proxy's own.
 * - `timeout-connect`, `timeout-tls`, `timeout-tunnel`: it took too long to be reached, for TLS with it, or to open a tunnel.
 * - `closed`: it hung up instead of answering, as some do for a host that does not exist.
 * - `protocol`: what it answered is not HTTP, or not SOCKS.
 * - `auth`, `payment`, `throttled`: it wants (other) credentials, money, or patience.
 * - `refused`, `unsupported`: it does not serve this target, or cannot do what was asked for, such as IPv6.
 * - `failed`: it says that it failed, and of itself; `unavailable`: it does not say whether by itself or at the origin.
 * - `cut`: the tunnel stood, and was cut before TLS with the origin was through it.
 * - `origin-*`: by its word the origin was not found, could not be reached, refused, did not answer in time, or broke off.
 */
export type ProxyReason =
  | "unreachable"
  | "tls"
  | "certificate"
  | "timeout-connect"
  | "timeout-tls"
  | "timeout-tunnel"
  | "closed"
  | "protocol"
  | "auth"
  | "payment"
  | "throttled"
  | "refused"
  | "unsupported"
  | "failed"
  | "unavailable"
  | "cut"
  | "origin-not-found"
  | "origin-unreachable"
  | "origin-refused"
  | "origin-timeout"
  | "origin-failed";

const notTheProxys: Readonly<Partial<Record<ProxyReason, ProxyFault>>> = {
  "timeout-tunnel": "unknown",
  closed: "unknown",
  unavailable: "unknown",
  cut: "unknown",
  "origin-not-found": "origin",
  "origin-unreachable": "origin",
  "origin-refused": "origin",
  "origin-timeout": "origin",
  "origin-failed": "origin",
};

/** Whose fault it was, where nothing else is known. */
export function defaultFault(reason: ProxyReason): ProxyFault {
  return notTheProxys[reason] ?? "proxy";
}

// An origin that was reached may have got the request: that a proxy says so is no proof of the contrary.
const late: ReadonlySet<ProxyReason> = new Set(["unavailable", "failed", "origin-timeout", "origin-failed"]);

/** Whether what a proxy says of a request that it was to forward proves that the origin never got it. */
export function provesRequestUnsent(reason: ProxyReason): boolean {
  return !late.has(reason);
}

/** What a proxy's own status means (RFC 9110 §15; 590 to 599 are proxy-chain's, which speak of what is behind the proxy). */
export function reasonForStatus(status: number): ProxyReason {
  const known = statuses[status];
  if (known !== undefined) return known;
  // Beyond the classes of HTTP stands 999, by which a crawler is turned away.
  if (status >= 500 && status < 600) return "unavailable";
  return status >= 300 ? "refused" : "protocol";
}

const statuses: Readonly<Record<number, ProxyReason>> = {
  // tinyproxy's word for wrong credentials; nobody else answers CONNECT so.
  401: "auth",
  402: "payment",
  407: "auth",
  408: "unavailable",
  429: "throttled",
  501: "unsupported",
  505: "unsupported",
  590: "failed",
  592: "failed",
  597: "failed",
};
