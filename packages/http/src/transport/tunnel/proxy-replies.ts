import { reasonForStatus, type ProxyReason } from "../../errors/proxy-reason.ts";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What a proxy's refusal of CONNECT means: by what it says of the error where it does, else by its status. */
export function connectRefusalReason(status: number, headers: Headers): ProxyReason {
  return toldBySquid(headers) ?? toldByProxyStatus(headers) ?? reasonForStatus(status);
}

/**
 * What an answer to a request that a proxy was to forward says of the proxy; undefined for what is, or may be, the
 * origin's own answer. Only a 407 (RFC 9110 §15.5.8) and the marks of squid's and tinyproxy's own error pages count:
 * Proxy-Status is also sent by what stands in front of an origin, and any other 502, 503 or 504 tells nothing.
 */
export function forwardedReplyReason(status: number, headers: Headers): ProxyReason | undefined {
  if (status < 400) return undefined;
  if (status === 407) return "auth";
  return toldBySquid(headers) ?? toldByTinyproxy(status, headers);
}

/** The name of squid's error page and the errno behind it, such as `ERR_CONNECT_FAIL 111` (squid-cache.org: customised error pages). */
function toldBySquid(headers: Headers): ProxyReason | undefined {
  const [name = "", errno = ""] = String(headers["x-squid-error"] ?? "").split(" ");
  if (!name.startsWith("ERR_")) return undefined;
  if (name === "ERR_CONNECT_FAIL") return connectErrnos[errno] ?? "origin-unreachable";
  return squid[name] ?? "unavailable";
}

// Linux's ETIMEDOUT and ECONNREFUSED: where squid runs on another system, they say nothing.
const connectErrnos: Readonly<Record<string, ProxyReason>> = { 110: "origin-timeout", 111: "origin-refused" };

const squid: Readonly<Record<string, ProxyReason>> = {
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

/** tinyproxy names itself as the server of its own error pages alone. */
function toldByTinyproxy(status: number, { server }: Headers): ProxyReason | undefined {
  return String(server ?? "").startsWith("tinyproxy/") ? reasonForStatus(status) : undefined;
}

/** The error in Proxy-Status, whose last member is the proxy that is closest to us (RFC 9209 §2, §2.3). */
function toldByProxyStatus(headers: Headers): ProxyReason | undefined {
  const errors = [...String(headers["proxy-status"] ?? "").matchAll(/;\s*error\s*=\s*"?([a-z_]+)/g)];
  const error = errors.at(-1)?.[1];
  return error === undefined ? undefined : proxyStatus[error];
}

const proxyStatus: Readonly<Record<string, ProxyReason>> = {
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
