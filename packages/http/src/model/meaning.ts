import { ownValue } from "@holdfast/policy/internal";
import type { ProxyReason } from "../errors/proxy-reason.ts";

/** The meaning of a response or an error: whether another attempt can help, and what a person should do. */
export interface Verdict {
  /**
   * - `success`: nothing failed.
   * - `transient`: a later attempt may succeed.
   * - `throttled`: a later attempt may succeed, after a wait.
   * - `blocked`: an attempt from another address or with other credentials may succeed.
   * - `rejected`: no further attempt will succeed.
   */
  readonly kind: "success" | "transient" | "throttled" | "blocked" | "rejected";
  /** A short stable code: `"ok"`, `"http-503"`, `"timeout-read"`. */
  readonly reason: string;
  /** What a person should do, as a sentence without a full stop. Empty after a success. */
  readonly advice: string;
}

/** The part of a verdict that the retry rules read. verdict.ts adds the advice. */
export type Meaning = Pick<Verdict, "kind" | "reason">;

type Kind = Meaning["kind"];

/** The statuses that differ from their class: a 4xx is `rejected`, a 5xx is `transient`, and the others are no failures. */
const exceptions: ReadonlyMap<number, Kind> = byStatus({
  transient: [408, 421, 425],
  throttled: [420, 429, 509, 529],
  blocked: [403, 407, 451, 511, 999],
  rejected: [501, 505, 506, 508, 510, 525, 526],
});

function byStatus(groups: Readonly<Partial<Record<Kind, readonly number[]>>>): ReadonlyMap<number, Kind> {
  const kinds = new Map<number, Kind>();
  let kind: Kind;
  for (kind in groups) for (const status of groups[kind] ?? []) kinds.set(status, kind);
  return kinds;
}

/** Statuses with another meaning for a request with an idempotency key (draft-ietf-httpapi-idempotency-key-header-06 §2.7). */
const withKey: ReadonlyMap<number, Kind> = new Map([[409, "transient"]]);

/** The name of a failure without a response. */
export type FailureName =
  | "timeout-connect"
  | "timeout-read"
  | "timeout-upload"
  | "timeout-attempt"
  | "refused"
  | "reset"
  | "connection"
  | "unreachable"
  | "dns"
  | "dns-not-found"
  | "not-permitted"
  | "too-many-files"
  | "address-not-allowed"
  | "tls"
  | "tls-protocol"
  | "tls-certificate"
  | "incomplete-body"
  | "decode"
  | "body-digest"
  | "protocol"
  | "too-large"
  | "proxy"
  | "proxy-throttled"
  | "proxy-auth"
  | "proxy-payment"
  | "proxy-certificate"
  | "proxy-refused"
  | "proxy-origin"
  | "no-proxy"
  | "circuit-open"
  | "bulkhead-full"
  | "rate-limited"
  | "deferred"
  | "deadline"
  | "too-many-redirects"
  | "bad-url"
  | "body-not-replayable"
  | "digest"
  | "disk-full"
  | "file-access"
  | "file-busy"
  | "aborted"
  | "error";

/** The meaning of each failure without a response. */
const failures: Readonly<Record<FailureName, Kind>> = {
  "timeout-connect": "transient",
  "timeout-read": "transient",
  "timeout-upload": "rejected",
  "timeout-attempt": "transient",
  refused: "transient",
  reset: "transient",
  connection: "transient",
  unreachable: "transient",
  dns: "transient",
  "dns-not-found": "transient",
  "not-permitted": "rejected",
  "too-many-files": "transient",
  "address-not-allowed": "rejected",
  tls: "transient",
  "tls-protocol": "rejected",
  "tls-certificate": "rejected",
  "incomplete-body": "transient",
  decode: "transient",
  "body-digest": "transient",
  protocol: "rejected",
  "too-large": "rejected",
  proxy: "transient",
  "proxy-throttled": "throttled",
  "proxy-auth": "blocked",
  "proxy-payment": "blocked",
  "proxy-certificate": "blocked",
  "proxy-refused": "blocked",
  "proxy-origin": "transient",
  "no-proxy": "blocked",
  "circuit-open": "transient",
  "bulkhead-full": "transient",
  "rate-limited": "throttled",
  deferred: "throttled",
  deadline: "transient",
  "too-many-redirects": "rejected",
  "bad-url": "rejected",
  "body-not-replayable": "rejected",
  digest: "rejected",
  "disk-full": "rejected",
  "file-access": "rejected",
  "file-busy": "transient",
  aborted: "rejected",
  error: "rejected",
};

/** Failures by the `code` of the error. `ERR_CONNECTION`, `ERR_TLS` and `ERR_PROXY` are classified by further fields. */
const codes: Readonly<Record<string, FailureName>> = {
  ERR_CONNECT_TIMEOUT: "timeout-connect",
  ERR_READ_TIMEOUT: "timeout-read",
  ERR_UPLOAD_TIMEOUT: "timeout-upload",
  ERR_ATTEMPT_TIMEOUT: "timeout-attempt",
  ERR_ADDRESS_NOT_ALLOWED: "address-not-allowed",
  ERR_INCOMPLETE_BODY: "incomplete-body",
  ERR_DECODE: "decode",
  ERR_PROTOCOL: "protocol",
  ERR_BODY_TOO_LARGE: "too-large",
  ERR_DEADLINE: "deadline",
  ERR_DEFERRED: "deferred",
  ERR_CIRCUIT_OPEN: "circuit-open",
  ERR_BULKHEAD_FULL: "bulkhead-full",
  ERR_RATE_LIMITED: "rate-limited",
  ERR_NO_PROXY: "no-proxy",
  ERR_TOO_MANY_REDIRECTS: "too-many-redirects",
  ERR_INVALID_URL: "bad-url",
  ERR_BODY_NOT_REPLAYABLE: "body-not-replayable",
  ERR_DIGEST: "digest",
  ERR_DISK_FULL: "disk-full",
  ERR_FILE_BUSY: "file-busy",
  ERR_FILE_ACCESS: "file-access",
};

/** Failures of a connection by the code of the platform (errno.h, getaddrinfo, c-ares). */
const errnos: Readonly<Record<string, FailureName>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  ENOTFOUND: "dns-not-found",
  ENODATA: "dns-not-found",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  ESERVFAIL: "dns",
  ETIMEOUT: "dns",
  ETIMEDOUT: "timeout-connect",
  EHOSTUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "not-permitted",
  EPERM: "not-permitted",
  EMFILE: "too-many-files",
  ENFILE: "too-many-files",
};

/** Failures of a proxy by their reason. Any other is `proxy`. */
const proxyReasons: Readonly<Record<string, FailureName>> = {
  auth: "proxy-auth",
  payment: "proxy-payment",
  certificate: "proxy-certificate",
  refused: "proxy-refused",
  unsupported: "proxy-refused",
  throttled: "proxy-throttled",
} satisfies Partial<Record<ProxyReason, FailureName>>;

const success: Meaning = { kind: "success", reason: "ok" };
// With a Retry-After these are temporary (RFC 9110 §15.5.14 for 413, GitHub for 403).
const throttledWithRetryAfter: ReadonlySet<number> = new Set([403, 413]);
// Causes may form a circle.
const maxCauseDepth = 8;
// The second failure is final: a new connection, or a second lookup, has confirmed it.
const finalWhenRepeated: ReadonlySet<string> = new Set<string>([
  "http-421",
  "dns-not-found" satisfies FailureName,
]);

/**
 * Returns the meaning of a status. With a Retry-After, a 403 or 413 is `throttled`. For a request with an idempotency key, a
 * 409 is `transient`: the first request with this key is still in progress.
 */
export function statusMeaning(status: number, hasRetryAfter = false, hasKey = false): Meaning {
  return status >= 200 && status < 300
    ? success
    : { kind: kindOfStatus(status, hasRetryAfter, hasKey), reason: `http-${status}` };
}

function kindOfStatus(status: number, hasRetryAfter: boolean, hasKey: boolean): Kind {
  const special = hasKey ? withKey.get(status) : undefined;
  if (special !== undefined) return special;
  if (hasRetryAfter && throttledWithRetryAfter.has(status)) return "throttled";
  return exceptions.get(status) ?? kindOfClass(status);
}

/** The meaning of a class of statuses (RFC 9110 §15: treat an unknown one as x00). Below 100 the server speaks no HTTP. */
function kindOfClass(status: number): Kind {
  if (status >= 500) return "transient";
  return status >= 100 && status < 400 ? "success" : "rejected";
}

/** Returns the meaning of any error. For an unknown error, its cause is classified. */
export function errorMeaning(error: unknown): Meaning {
  let current = error;
  for (let depth = 0; depth < maxCauseDepth && current !== undefined; depth += 1) {
    const meaning = meaningWithoutCause(current);
    if (meaning !== undefined) return meaning;
    current = getField(current, "cause");
  }
  return { kind: failures.error, reason: "error" };
}

function meaningWithoutCause(error: unknown): Meaning | undefined {
  const failure = classifyFailure(error);
  if (failure !== undefined) return { kind: failures[failure], reason: failure };
  const status = getField(error, "status") ?? getField(getField(error, "response"), "status");
  return typeof status === "number" ? statusMeaning(status) : undefined;
}

/** Returns whether a later attempt from the same address and with the same credentials may succeed. */
export function isTransient({ kind }: Meaning): boolean {
  return kind === "transient" || kind === "throttled";
}

/** Returns whether a second failure with this meaning is final, even if retries are left: a 421, or an unknown host name. */
export function isFinalWhenRepeated({ reason }: Meaning): boolean {
  return finalWhenRepeated.has(reason);
}

function classifyFailure(error: unknown): FailureName | undefined {
  const code = getField(error, "code");
  if (code === "ERR_DIGEST" && getField(error, "phase") === "body") return "body-digest";
  if (code === "ERR_CONNECTION") return classifyConnectionFailure(error);
  if (code === "ERR_TLS") return classifyTlsFailure(error);
  if (code === "ERR_PROXY") return classifyProxyFailure(String(getField(error, "reason")));
  const name = getField(error, "name");
  if (name === "AbortError" || name === "TimeoutError") return "aborted";
  return typeof code === "string" ? (ownValue(codes, code) ?? ownValue(errnos, code)) : undefined;
}

function classifyConnectionFailure(error: unknown): FailureName {
  const phase = getField(error, "phase");
  const failure =
    ownValue(errnos, String(getField(error, "errno"))) ?? (phase === "dns" ? "dns" : "connection");
  const isConnected = phase === "send" || phase === "headers" || phase === "body";
  return failure === "timeout-connect" && isConnected ? "timeout-read" : failure;
}

function classifyTlsFailure(error: unknown): FailureName {
  if (getField(error, "certificate") === true) return "tls-certificate";
  const errno = String(getField(error, "errno"));
  // RFC 8446 §6.2: internal_error is unrelated to the messages of either side.
  if (errno.endsWith("ALERT_INTERNAL_ERROR")) return "tls";
  return /^(?:EPROTO$|ERR_SSL_)/.test(errno) ? "tls-protocol" : "tls";
}

function classifyProxyFailure(reason: string): FailureName {
  return ownValue(proxyReasons, reason) ?? (reason.startsWith("origin-") ? "proxy-origin" : "proxy");
}

function getField(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
