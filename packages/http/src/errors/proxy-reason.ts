import { ownValue } from "@holdfast/policy/internal";
/** The cause of a failed request through a proxy. `unknown` if it could be either. */
export type ProxyFault = "proxy" | "origin" | "unknown";

/**
 * A stable code for a failed request through a proxy.
 *
 * - `unreachable`, `tls`, `certificate`: no connection to the proxy, no TLS with it, or its certificate was rejected.
 * - `timeout-connect`, `timeout-tls`, `timeout-tunnel`: the connection, TLS or the tunnel took too long.
 * - `closed`: the proxy closed the connection without a response, as some do for an unknown host.
 * - `protocol`: the response of the proxy is not valid HTTP or SOCKS.
 * - `auth`, `payment`, `throttled`: the proxy requires (other) credentials, payment, or fewer requests.
 * - `refused`, `unsupported`: the proxy refuses this target, or does not support a feature such as IPv6.
 * - `failed`: the proxy reports its own failure. `unavailable`: it reports a failure, its own or that of the origin.
 * - `cut`: the tunnel was open, and broke during TLS with the origin.
 * - `origin-*`: the proxy reports that the origin was not found, unreachable, refused, too slow, or broke off.
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

const faultsOfReasons: Readonly<Partial<Record<ProxyReason, ProxyFault>>> = {
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

/** Returns the usual cause for a reason. */
export function defaultFault(reason: ProxyReason): ProxyFault {
  return ownValue(faultsOfReasons, reason) ?? "proxy";
}

// The origin may have received the request, whatever the proxy reports.
const mayHaveReachedOrigin: ReadonlySet<ProxyReason> = new Set([
  "unavailable",
  "failed",
  "origin-timeout",
  "origin-failed",
]);

/** Returns whether the failure of a forwarding proxy proves that the origin did not receive the request. */
export function provesRequestUnsent(reason: ProxyReason): boolean {
  return !mayHaveReachedOrigin.has(reason);
}

/** Returns the reason for a status of a proxy (RFC 9110 §15; 590 to 599 are those of the proxy-chain package). */
export function reasonForStatus(status: number): ProxyReason {
  const reason = reasonsOfStatuses[status];
  if (reason !== undefined) return reason;
  // 999 is outside HTTP, and refuses a crawler.
  if (status >= 500 && status < 600) return "unavailable";
  return status >= 300 ? "refused" : "protocol";
}

const reasonsOfStatuses: Readonly<Record<number, ProxyReason>> = {
  // tinyproxy sends it for wrong credentials. No other proxy responds to CONNECT with it.
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
