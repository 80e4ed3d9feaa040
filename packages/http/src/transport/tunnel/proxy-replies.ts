import { ownValue } from "@holdfast/policy/internal";
import { reasonForStatus, type ProxyReason } from "../../errors/proxy-reason.ts";

type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Returns why a proxy refused CONNECT: from a header that states the error, or otherwise from the status. */
export function connectRefusalReason(status: number, headers: ReplyHeaders): ProxyReason {
  return squidReason(headers) ?? proxyStatusReason(headers) ?? reasonForStatus(status);
}

/**
 * Returns the fault of a proxy that should forward a request, read from its response. Returns undefined for a response that may
 * be the origin's.
 *
 * Only a 407 (RFC 9110 §15.5.8) and the error pages of squid and tinyproxy are certainly the proxy's. A gateway in front of the
 * origin may also send Proxy-Status, and any other 502, 503 or 504 may be the origin's.
 */
export function forwardedReplyReason(status: number, headers: ReplyHeaders): ProxyReason | undefined {
  if (status < 400) return undefined;
  if (status === 407) return "auth";
  return squidReason(headers) ?? tinyproxyReason(status, headers);
}

/** Reads the name of squid's error page and an errno, such as `ERR_CONNECT_FAIL 111` (squid-cache.org: customised error pages). */
function squidReason(headers: ReplyHeaders): ProxyReason | undefined {
  const [name = "", errno = ""] = String(headers["x-squid-error"] ?? "").split(" ");
  if (!name.startsWith("ERR_")) return undefined;
  if (name === "ERR_CONNECT_FAIL") return ownValue(connectErrnos, errno) ?? "origin-unreachable";
  return ownValue(squidReasons, name) ?? "unavailable";
}

// ETIMEDOUT and ECONNREFUSED of Linux. The numbers of other systems are unknown here.
const connectErrnos: Readonly<Record<string, ProxyReason>> = { 110: "origin-timeout", 111: "origin-refused" };

const squidReasons: Readonly<Record<string, ProxyReason>> = {
  ERR_ACCESS_DENIED: "refused",
  ERR_FORWARDING_DENIED: "refused",
  ERR_TOO_BIG: "refused",
  ERR_INVALID_URL: "refused",
  ERR_INVALID_REQ: "refused",
  ERR_UNSUP_REQ: "unsupported",
  ERR_CACHE_ACCESS_DENIED: "auth",
  ERR_CANNOT_FORWARD: "unavailable",
  ERR_SOCKET_FAILURE: "failed",
  ERR_DNS_FAIL: "origin-not-found",
  ERR_SECURE_CONNECT_FAIL: "origin-failed",
  ERR_READ_TIMEOUT: "origin-timeout",
  ERR_LIFETIME_EXP: "origin-timeout",
  ERR_READ_ERROR: "origin-failed",
  ERR_WRITE_ERROR: "origin-failed",
  ERR_ZERO_SIZE_OBJECT: "origin-failed",
  ERR_INVALID_RESP: "origin-failed",
  ERR_GATEWAY_FAILURE: "origin-failed",
};

/** tinyproxy sets the Server header only in its own error pages. */
function tinyproxyReason(status: number, { server }: ReplyHeaders): ProxyReason | undefined {
  return String(server ?? "").startsWith("tinyproxy/") ? reasonForStatus(status) : undefined;
}

/** Reads the error of the last member of Proxy-Status, which is the proxy closest to the client (RFC 9209 §2, §2.3). */
function proxyStatusReason(headers: ReplyHeaders): ProxyReason | undefined {
  const errors = [...String(headers["proxy-status"] ?? "").matchAll(/;\s*error\s*=\s*"?([a-z_]+)/g)];
  const error = errors.at(-1)?.[1];
  return error === undefined ? undefined : ownValue(proxyStatusReasons, error);
}

const proxyStatusReasons: Readonly<Record<string, ProxyReason>> = {
  dns_timeout: "origin-not-found",
  dns_error: "origin-not-found",
  destination_not_found: "origin-not-found",
  destination_unavailable: "origin-unreachable",
  destination_ip_prohibited: "refused",
  destination_ip_unroutable: "origin-unreachable",
  connection_refused: "origin-refused",
  connection_terminated: "origin-failed",
  connection_timeout: "origin-timeout",
  connection_limit_reached: "throttled",
  http_request_error: "refused",
  http_request_denied: "refused",
  proxy_internal_error: "failed",
  proxy_configuration_error: "failed",
  proxy_loop_detected: "failed",
};
