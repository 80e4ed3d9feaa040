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
 * - `proxy-throttled`: the proxy limits requests;
 * - `proxy-suspected`: a response over plain http says one of the latter two, but the host may have sent it.
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
  | "proxy-throttled"
  | "proxy-suspected";

/** The kinds of outcome that stop all requests through a proxy for a while. */
export type ProxyVerdictKind = Extract<OutcomeKind, "proxy-failed" | "proxy-throttled">;

/** The outcome of an attempt for the pool. */
export interface ProxyOutcome {
  readonly kind: OutcomeKind;
  /** For "proxy-suspected", the kind that counts once the proxy itself or another host says the same. */
  readonly suspicion?: ProxyVerdictKind;
  /** A short stable code: `"http-403"`, `"challenge-cloudflare"`, `"proxy-auth"`. */
  readonly reason: string;
  /** Milliseconds after which the address may be used again, if known. */
  readonly retryAfter?: number | undefined;
  /** Bytes of the body, as far as known. */
  readonly bytes?: number;
}

/**
 * Converts a response into an outcome: a challenge page by its content, any other response by its status. `isForwarded` says
 * whether the proxy could have sent the response itself: not through a tunnel.
 */
export function outcomeFromResponse(response: HttpResponse, isForwarded: boolean): ProxyOutcome {
  const challenge = findChallenge(response);
  if (challenge !== undefined) return { kind: "blocked", reason: `challenge-${challenge}` };
  const { reason } = response.verdict;
  if (isForwarded && proxyStatuses.has(response.status)) return suspect("proxy-failed", reason);
  return { kind: kindOfStatus(response, isForwarded), reason };
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

function kindOfStatus({ status, verdict }: HttpResponse, isForwarded: boolean): OutcomeKind {
  if (status === 420 || status === 429) return "throttled";
  // proxy-chain reports failures on the way as 590 to 599.
  if (isForwarded && status >= 590 && status <= 599) return "unreachable";
  // Inside a tunnel the host itself sent it.
  if (proxyStatuses.has(status)) return "origin";
  if (verdict.kind === "blocked") return "blocked";
  // A 403 with Retry-After is a rate limit.
  if (status === 403) return "throttled";
  return status >= 500 ? "origin" : "success";
}

/**
 * The statuses with which only proxies report their own failures: wrong credentials, a captive portal (RFC 6585 §6), and three
 * of proxy-chain.
 */
const proxyStatuses: ReadonlySet<number> = new Set([407, 511, 590, 592, 597]);

const suspect = (suspicion: ProxyVerdictKind, reason: string): ProxyOutcome => ({
  kind: "proxy-suspected",
  suspicion,
  reason,
});

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

/** Returns the outcome of a proxy's failure. In place of a response (phase "headers") the host may have sent it. */
function outcomeOfProxyError(error: ProxyError): ProxyOutcome {
  const outcome = ownWordOf(error);
  return error.phase === "headers" && isProxyVerdict(outcome.kind)
    ? suspect(outcome.kind, outcome.reason)
    : outcome;
}

/** Returns whether an outcome stops all requests through a proxy. */
export function isProxyVerdict(kind: OutcomeKind): kind is ProxyVerdictKind {
  return kind === "proxy-failed" || kind === "proxy-throttled";
}

function ownWordOf({ reason, fault }: ProxyError): ProxyOutcome {
  const named = ownValue(proxyReasons, reason);
  if (named !== undefined) return named;
  return fault === "proxy" ? proxyFailed : { kind: "unreachable", reason: "proxy-unreachable" };
}
