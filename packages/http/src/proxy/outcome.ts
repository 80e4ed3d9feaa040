import {
  AttemptTimeoutError,
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  IncompleteBodyError,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
} from "../errors.ts";
import type { Response } from "../response.ts";
import { challengeIn } from "./challenge-pages.ts";

/**
 * What an attempt says of the address that it went through:
 *
 * - `success`: the host answered, and meant us;
 * - `origin`: the host answered that it is itself in trouble;
 * - `void`: nothing, as after an abort;
 * - `failed`: it broke off or was silent on the way, which may have been the address;
 * - `blocked`: the host does not want this address, or the proxy not this host;
 * - `throttled`: the host wants less from this address;
 * - `unreachable`: the proxy says that it cannot reach the host: its fault, or the host's;
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
export function outcomeOfResponse(response: Response): ProxyOutcome {
  const challenge = challengeIn(response);
  if (challenge !== undefined) return { kind: "blocked", reason: `challenge-${challenge}` };
  return { kind: kindOfStatus(response), reason: response.verdict.reason };
}

/** Says what a failure tells of the address. */
export function outcomeOfError(error: unknown): ProxyOutcome {
  if (error instanceof ProxyError) return outcomeOfProxyError(error);
  if (error instanceof ConnectTimeoutError) {
    // With TLS, the tunnel stood: it may have been the origin.
    return error.phase === "tls"
      ? failed("timeout-tls")
      : { kind: "proxy-failed", reason: "timeout-connect" };
  }
  if (error instanceof ConnectionError && (error.phase === "dns" || error.phase === "connect"))
    return { kind: "proxy-failed", reason: "proxy" };
  const soft = softFailures.find(([type]) => error instanceof type);
  return soft === undefined ? { kind: "void", reason: "unknown" } : failed(soft[1]);
}

const softFailures = [
  [ConnectionError, "connection"],
  [ReadTimeoutError, "timeout-read"],
  [AttemptTimeoutError, "timeout-attempt"],
  [IncompleteBodyError, "incomplete-body"],
  [ProtocolError, "protocol"],
  [DecodeError, "decode"],
  [TlsError, "tls"],
] as const;

const failed = (reason: string): ProxyOutcome => ({ kind: "failed", reason });

function kindOfStatus({ status, verdict }: Response): OutcomeKind {
  if (status === 407) return "proxy-failed";
  if (status === 420 || status === 429) return "throttled";
  // Proxies of the proxy-chain family say with these what befell them on the way.
  if (status >= 590 && status <= 599) return ofProxyChain(status);
  if (verdict.kind === "blocked") return "blocked";
  // A 403 with Retry-After is a limit.
  if (status === 403) return "throttled";
  return status >= 500 ? "origin" : "success";
}

function ofProxyChain(status: number): OutcomeKind {
  return status === 590 || status === 592 || status === 597 ? "proxy-failed" : "unreachable";
}

const proxyFailed: ProxyOutcome = { kind: "proxy-failed", reason: "proxy" };
const unreachable: ProxyOutcome = { kind: "unreachable", reason: "proxy-unreachable" };
const wantsCredentials: ProxyOutcome = { kind: "proxy-failed", reason: "proxy-auth" };
const wantsMoney: ProxyOutcome = { kind: "proxy-failed", reason: "proxy-payment" };
const refusesHost: ProxyOutcome = { kind: "blocked", reason: "proxy-refused" };
const limitsRate: ProxyOutcome = { kind: "proxy-throttled", reason: "proxy-throttled" };

/** What some words for a proxy's failure say; the others go by whose fault it was. */
const proxyReasons: Readonly<Record<string, ProxyOutcome>> = {
  auth: wantsCredentials,
  payment: wantsMoney,
  refused: refusesHost,
  unsupported: refusesHost,
  throttled: limitsRate,
};

function outcomeOfProxyError(error: ProxyError): ProxyOutcome {
  const reason: unknown = Reflect.get(error, "reason");
  const fault: unknown = Reflect.get(error, "fault");
  const named = typeof reason === "string" ? proxyReasons[reason] : undefined;
  if (named !== undefined) return named;
  if (fault === "proxy") return proxyFailed;
  return fault === undefined ? ofTunnelStatus(error.status) : unreachable;
}

const tunnelStatuses: Readonly<Record<number, ProxyOutcome>> = {
  401: wantsCredentials,
  402: wantsMoney,
  407: wantsCredentials,
  408: unreachable,
  429: limitsRate,
  501: refusesHost,
  505: refusesHost,
};

/** What a proxy's answer to CONNECT says. With a 5xx it may be the proxy, or what lies behind it (RFC 9110 §15.6.3). */
function ofTunnelStatus(status = 0): ProxyOutcome {
  const known = tunnelStatuses[status];
  if (known !== undefined) return known;
  if (status < 300) return proxyFailed;
  if (status < 500) return refusesHost;
  return ofProxyChain(status) === "unreachable" ? unreachable : proxyFailed;
}
