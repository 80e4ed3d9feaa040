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
 * What an attempt says of the address that it went through:
 *
 * - `success`: the host answered, and meant us;
 * - `origin`: the host answered that it is itself in trouble;
 * - `void`: nothing, as after an abort;
 * - `failed`: it broke off or was silent on the way, which may have been the address;
 * - `blocked`: the host does not want this address, or the proxy not this host;
 * - `throttled`: the host wants less from this address;
 * - `unreachable`: the proxy opens no way to the host: its fault, or the host's;
 * - `distorted`: what came through the proxy is not TLS of the host's, or not HTTP: its fault, or the host's;
 * - `proxy-failed`: the proxy is not there, does not answer, or wants other credentials;
 * - `proxy-throttled`: the proxy wants less.
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

/** What became of an attempt, as the pool is told. */
export interface ProxyOutcome {
  readonly kind: OutcomeKind;
  /** A short stable code: `"http-403"`, `"challenge-cloudflare"`, `"proxy-auth"`. */
  readonly reason: string;
  /** When the address may come again, in milliseconds from now, where that was said. */
  readonly retryAfter?: number | undefined;
  /** What the attempt carried, as far as it is known. */
  readonly bytes?: number;
}

/** Says what an answer tells of the address, by its status, and whatever the status by the page. */
export function outcomeFromResponse(response: HttpResponse): ProxyOutcome {
  const challenge = findChallenge(response);
  if (challenge !== undefined) return { kind: "blocked", reason: `challenge-${challenge}` };
  return { kind: kindOfStatus(response), reason: response.verdict.reason };
}

/** Says what a failure tells of the address. */
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
  // The host's name, which was looked up on this machine: of the proxy's, a ProxyError tells.
  if (error.phase === "dns") return { kind: "void", reason: "dns" };
  // With TLS, the tunnel stood: it may have been the origin.
  if (isLate && error.phase === "tls") return failed("timeout-tls");
  if (isLate) return { kind: "proxy-failed", reason: "timeout-connect" };
  return error.phase === "connect" ? proxyFailed : failed("connection");
}

function kindOfStatus({ status, url, verdict }: HttpResponse): OutcomeKind {
  const own = statuses[status];
  if (own !== undefined) return own;
  if (status >= 590 && status <= 599) return "unreachable";
  // What intercepts a request says so, and no origin does (RFC 6585 §6): inside TLS it is the origin's all the same.
  if (status === 511) return url.startsWith("https:") ? "origin" : "proxy-failed";
  if (verdict.kind === "blocked") return "blocked";
  // A 403 with Retry-After is a limit.
  if (status === 403) return "throttled";
  return status >= 500 ? "origin" : "success";
}

const statuses: Readonly<Record<number, OutcomeKind>> = {
  407: "proxy-failed",
  420: "throttled",
  429: "throttled",
  // Proxies of the proxy-chain family say with 590 to 599 what befell them on the way; of these, that it was they.
  590: "proxy-failed",
  592: "proxy-failed",
  597: "proxy-failed",
};

const proxyFailed: ProxyOutcome = { kind: "proxy-failed", reason: "proxy" };
const refusesHost: ProxyOutcome = { kind: "blocked", reason: "proxy-refused" };

/** What some words for a proxy's failure say; the others go by whose fault it was. */
const proxyReasons: Readonly<Partial<Record<ProxyReason, ProxyOutcome>>> = {
  auth: { kind: "proxy-failed", reason: "proxy-auth" },
  payment: { kind: "proxy-failed", reason: "proxy-payment" },
  refused: refusesHost,
  unsupported: refusesHost,
  throttled: { kind: "proxy-throttled", reason: "proxy-throttled" },
};

function outcomeOfProxyError({ reason, fault }: ProxyError): ProxyOutcome {
  const named = proxyReasons[reason];
  if (named !== undefined) return named;
  return fault === "proxy" ? proxyFailed : { kind: "unreachable", reason: "proxy-unreachable" };
}
