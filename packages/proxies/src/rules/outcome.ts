import { ownValue } from "@holdfast/policy/internal";
import {
  AttemptTimeoutError,
  ConnectTimeoutError,
  ConnectionError,
  DecodeError,
  type HttpResponse,
  IncompleteBodyError,
  ProtocolError,
  ProxyError,
  type ProxyReason,
  ReadTimeoutError,
  TlsError,
} from "@holdfast/http";
import { findChallenge } from "./challenge-pages.ts";

/**
 * What the result of an attempt says about the proxy:
 *
 * - `success`: the host responded as intended;
 * - `origin`: the host responded with an error of its own;
 * - `void`: nothing, as after an abort;
 * - `failed`: the connection broke or was silent; the proxy may be at fault;
 * - `blocked`: the host rejects the proxy's address, or the proxy rejects the host;
 * - `throttled`: the host limits this address;
 * - `unreachable`: the proxy does not reach the host; either may be at fault;
 * - `distorted`: the response is not the host's TLS or not HTTP; either may be at fault;
 * - `proxy-failed`: the proxy is down, does not respond, or rejects the credentials;
 * - `proxy-throttled`: the proxy limits requests.
 */
export type OutcomeKind =
  | "success"
  | "origin"
  | "void"
  | "failed"
  | "blocked"
  | "throttled"
  | "unreachable"
  | "distorted"
  | "proxy-failed"
  | "proxy-throttled";

/** The outcome of an attempt for the pool. */
export interface ProxyOutcome {
  readonly kind: OutcomeKind;
  /** A short stable code: `"http-403"`, `"challenge-cloudflare"`, `"proxy-auth"`. */
  readonly reason: string;
  /** Milliseconds after which the address may be used again, if known. */
  readonly retryAfter?: number | undefined;
  /** Bytes of the body, as far as known. */
  readonly bytes?: number;
}

/** Converts a response into an outcome: a challenge page by its content, any other response by its status. */
export function outcomeFromResponse(response: HttpResponse): ProxyOutcome {
  const challenge = findChallenge(response);
  if (challenge !== undefined) return { kind: "blocked", reason: `challenge-${challenge}` };
  return { kind: kindOfStatus(response), reason: response.verdict.reason };
}

/** Converts an error into an outcome. */
export function outcomeFromError(error: unknown): ProxyOutcome {
  if (error instanceof ProxyError) return outcomeOfProxyError(error);
  if (error instanceof TlsError) return distorted(error.certificate ? "tls-certificate" : "tls");
  if (error instanceof ProtocolError) return distorted("protocol");
  if (error instanceof ConnectTimeoutError || error instanceof ConnectionError)
    return outcomeOfOpening(error);
  const soft = softFailures.find(([type]) => error instanceof type);
  return soft === undefined ? { kind: "void", reason: "unknown" } : failed(soft[1]);
}

const softFailures = [
  [ReadTimeoutError, "timeout-read"],
  [AttemptTimeoutError, "timeout-attempt"],
  [IncompleteBodyError, "incomplete-body"],
  [DecodeError, "decode"],
] as const;

const distorted = (reason: string): ProxyOutcome => ({ kind: "distorted", reason });
const failed = (reason: string): ProxyOutcome => ({ kind: "failed", reason });

function outcomeOfOpening(error: ConnectTimeoutError | ConnectionError): ProxyOutcome {
  const isLate = error instanceof ConnectTimeoutError;
  // The host name was looked up on this machine. A failed lookup by the proxy is a ProxyError.
  if (error.phase === "dns") return { kind: "void", reason: "dns" };
  // With TLS the tunnel was open, so the origin may be at fault.
  if (isLate && error.phase === "tls") return failed("timeout-tls");
  if (isLate) return { kind: "proxy-failed", reason: "timeout-connect" };
  return error.phase === "connect" ? proxyFailed : failed("connection");
}

function kindOfStatus({ status, url, verdict }: HttpResponse): OutcomeKind {
  const own = statuses[status];
  if (own !== undefined) return own;
  if (status >= 590 && status <= 599) return "unreachable";
  // Only intercepting networks send 511 (RFC 6585 §6). Inside TLS it comes from the origin.
  if (status === 511) return url.startsWith("https:") ? "origin" : "proxy-failed";
  if (verdict.kind === "blocked") return "blocked";
  // A 403 with Retry-After is a rate limit.
  if (status === 403) return "throttled";
  return status >= 500 ? "origin" : "success";
}

const statuses: Readonly<Record<number, OutcomeKind>> = {
  407: "proxy-failed",
  420: "throttled",
  429: "throttled",
  // proxy-chain reports failures on the way as 590 to 599; these three are its own.
  590: "proxy-failed",
  592: "proxy-failed",
  597: "proxy-failed",
};

const proxyFailed: ProxyOutcome = { kind: "proxy-failed", reason: "proxy" };
const refusesHost: ProxyOutcome = { kind: "blocked", reason: "proxy-refused" };

/** Outcomes of certain proxy reasons. The others depend on the fault. */
const proxyReasons: Readonly<Partial<Record<ProxyReason, ProxyOutcome>>> = {
  auth: { kind: "proxy-failed", reason: "proxy-auth" },
  payment: { kind: "proxy-failed", reason: "proxy-payment" },
  refused: refusesHost,
  unsupported: refusesHost,
  throttled: { kind: "proxy-throttled", reason: "proxy-throttled" },
};

function outcomeOfProxyError({ reason, fault }: ProxyError): ProxyOutcome {
  const named = ownValue(proxyReasons, reason);
  if (named !== undefined) return named;
  return fault === "proxy" ? proxyFailed : { kind: "unreachable", reason: "proxy-unreachable" };
}
