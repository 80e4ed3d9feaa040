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

type Kind = Verdict["kind"];
type Row = readonly [kind: Kind, advice: string];

const temporaryOutage = "Retry later: restarts and load spikes usually pass within minutes";
const serverFault = "Retry later: most server errors are temporary";
const cdnCannotReachOrigin = "Retry later: the CDN cannot reach the origin server";
const invalidRequest = "Check the parameters and the body: the server rejected their content";
const expiredCredentials = "Check the credentials: they are missing, wrong or expired";
const addressRefused = "Use another proxy or other credentials: the server refuses this client";

/** Statuses with a meaning of their own. The others are classified by their first digit. */
const statuses: Readonly<Record<number, Row>> = {
  400: ["rejected", invalidRequest],
  401: ["rejected", expiredCredentials],
  402: ["rejected", "Pay, or raise the quota of the account"],
  403: ["blocked", addressRefused],
  404: ["rejected", "Check the URL: the server has no such resource"],
  405: ["rejected", "Use a method that the Allow header of the response lists"],
  406: ["rejected", "Change the Accept header: the server does not offer this format"],
  407: ["blocked", "Check the credentials of the proxy: they are missing or wrong"],
  408: ["transient", "Retry: the server did not receive the complete request in time"],
  409: ["rejected", "Fetch the resource and resolve the conflict with its current state"],
  410: ["rejected", "Remove the URL: the resource was deleted permanently"],
  412: ["rejected", "Fetch the resource again: it has changed, so the condition no longer holds"],
  413: ["rejected", "Send a smaller body"],
  414: ["rejected", "Shorten the URL"],
  415: ["rejected", "Change the Content-Type: the server does not accept this format"],
  416: ["rejected", "Request a range inside the resource: this one is beyond its end"],
  420: ["throttled", "Send fewer requests: the server limits the rate"],
  421: ["transient", "Retry once on a new connection: this one leads to the wrong server"],
  422: ["rejected", invalidRequest],
  423: ["rejected", "Wait until the resource is unlocked"],
  425: ["transient", "Retry without TLS early data"],
  428: ["rejected", "Add a condition, for example the If-Match header"],
  429: ["throttled", "Send fewer requests, and wait as long as Retry-After says"],
  431: ["rejected", "Send fewer or shorter headers"],
  451: ["blocked", "Use a proxy in another country: the content is withheld for legal reasons"],
  498: ["rejected", expiredCredentials],
  500: ["transient", serverFault],
  501: ["rejected", "Use another method: the server does not implement this one"],
  502: ["transient", temporaryOutage],
  503: ["transient", temporaryOutage],
  504: ["transient", temporaryOutage],
  505: ["rejected", "Use another HTTP version: the server does not support this one"],
  506: ["rejected", "Report it to the site: its content negotiation is misconfigured"],
  508: ["rejected", "Report it to the site: the server is caught in a loop"],
  509: ["throttled", "Wait until the bandwidth limit of the site is lifted"],
  510: ["rejected", "Check the documentation of the API: the server requires an extension"],
  511: ["blocked", "Log in to the network (captive portal), or use another proxy"],
  520: ["transient", cdnCannotReachOrigin],
  521: ["transient", cdnCannotReachOrigin],
  522: ["transient", cdnCannotReachOrigin],
  523: ["transient", cdnCannotReachOrigin],
  524: ["transient", cdnCannotReachOrigin],
  525: ["rejected", "Report it to the site: the TLS setup between its CDN and its origin is broken"],
  526: ["rejected", "Report it to the site: the certificate of its origin is invalid"],
  529: ["throttled", "Retry later: the service is overloaded"],
  999: ["blocked", addressRefused],
};

// A 1xx or 3xx is not a failure, and another attempt would not improve it.
const notAFailure: Row = ["success", ""];

/** The meaning of the statuses outside the table, by their first digit (RFC 9110 §15: treat them as x00 of their class). */
const classes: Readonly<Record<number, Row>> = {
  1: notAFailure,
  2: notAFailure,
  3: notAFailure,
  4: ["rejected", "Check the request: the server rejected it"],
  5: ["transient", serverFault],
};
const noHttpStatus: Row = ["rejected", "Check the port and the scheme: the server does not speak HTTP"];

/** Statuses with another meaning for a request with an idempotency key (draft-ietf-httpapi-idempotency-key-header-06 §2.7). */
const statusesWithKey: Readonly<Record<number, Row>> = {
  409: ["transient", "Retry with the same idempotency key: the first request is still in progress"],
  422: ["rejected", "Check the body, or use a new idempotency key: this one belongs to another body"],
};

const unreachable = "Check the network connection, or retry later: the host is unreachable";

/** The meaning of each failure without a response. */
const failures = {
  "timeout-connect": [
    "transient",
    "Retry later, or use another proxy: the host did not accept the connection in time",
  ],
  "timeout-read": ["transient", "Retry later, or raise timeout.read: the server stopped sending"],
  "timeout-upload": ["rejected", "Check the source of the request body: it stopped producing data"],
  "timeout-attempt": ["transient", "Retry later, or raise timeout.attempt: the response takes too long"],
  refused: ["transient", "Check the port, or retry later: nothing accepts connections there"],
  reset: ["transient", "Retry later: the connection was reset"],
  connection: ["transient", "Retry later: the connection failed"],
  unreachable: ["transient", unreachable],
  dns: ["transient", "Check the network connection, or retry later: the host name could not be resolved"],
  "dns-not-found": ["transient", "Check the host name: DNS does not know it, or the resolver is offline"],
  "not-permitted": ["rejected", "Allow the connection: a firewall or sandbox on this machine forbids it"],
  "too-many-files": ["transient", "Lower the concurrency, or raise this machine's limit of open files"],
  "address-not-allowed": ["rejected", "Check the URL: only public addresses are allowed"],
  tls: ["transient", "Retry later: the TLS handshake was interrupted"],
  "tls-protocol": [
    "rejected",
    "Check the port and the scheme: the server does not offer a compatible TLS version",
  ],
  "tls-certificate": ["rejected", "Renew the server's certificate, or trust its issuer"],
  "incomplete-body": ["transient", "Retry: the connection ended before the body was complete"],
  decode: ["transient", "Retry: the body is damaged, or its Content-Encoding is wrong"],
  "body-digest": ["transient", "Retry: the body does not match the digest that the server sent"],
  protocol: ["rejected", "Check the port and the scheme: the server does not speak HTTP"],
  "too-large": ["rejected", "Raise maxBytes, or request a smaller response"],
  proxy: ["transient", "Use another proxy: this one failed"],
  "proxy-throttled": ["throttled", "Send fewer requests through this proxy: it limits the rate"],
  "proxy-auth": ["blocked", "Check the credentials of the proxy: they are missing or wrong"],
  "proxy-payment": ["blocked", "Top up the proxy account: its credit is used up"],
  "proxy-certificate": ["blocked", "Renew the proxy's certificate, or trust its issuer"],
  "proxy-refused": ["blocked", "Use another proxy: this one refuses the target"],
  "proxy-origin": ["transient", "Retry later: the proxy cannot reach the host"],
  "no-proxy": ["blocked", "Add proxies, or wait until one has finished its cooldown"],
  "circuit-open": ["transient", "Wait: the circuit breaker is open after too many failures of the host"],
  "bulkhead-full": ["transient", "Lower the concurrency: too many calls are in progress"],
  "rate-limited": ["throttled", "Send fewer requests, or repeat this one at retryAt"],
  deferred: ["throttled", "Repeat the request at resumeAt; a run does so automatically"],
  deadline: ["transient", "Raise timeout.total, or retry later"],
  "too-many-redirects": ["rejected", "Check the URL and the cookies it needs: it redirects in a loop"],
  "bad-url": ["rejected", "Check the URL: it must be a valid http or https URL"],
  "body-not-replayable": [
    "rejected",
    "Pass the body as bytes, or as a function that creates it for each attempt",
  ],
  digest: ["rejected", "Check the expected digest and the source: the downloaded file differs"],
  "disk-full": ["rejected", "Free disk space and repeat the download: it continues where it stopped"],
  "file-access": ["rejected", "Choose a path that this user may write to"],
  "file-busy": ["transient", "Wait for the other download of the same file"],
  aborted: ["rejected", "The caller cancelled the request"],
  error: ["rejected", "See the cause of the error: it is unexpected"],
} as const satisfies Readonly<Record<string, Row>>;

type FailureName = keyof typeof failures;

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

const success: Verdict = { kind: "success", reason: "ok", advice: "" };
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
 * Returns the verdict of a status. With a Retry-After, a 403 or 413 is `throttled`. For a request with an idempotency key, a
 * 409 is `transient`: the first request with this key is still in progress.
 */
export function statusVerdict(status: number, hasRetryAfter = false, hasKey = false): Verdict {
  if (status >= 200 && status < 300) return success;
  return hasKey || hasRetryAfter || !isStatus(status)
    ? createVerdict(status, hasRetryAfter, hasKey)
    : plainVerdict(status);
}

/** The verdicts of statuses without a key and a Retry-After. Most failures are such, and may wait in great number. */
const plainVerdicts = new Map<number, Verdict>();

function plainVerdict(status: number): Verdict {
  const known = plainVerdicts.get(status);
  if (known !== undefined) return known;
  const created = Object.freeze(createVerdict(status, false, false));
  plainVerdicts.set(status, created);
  return created;
}

/** Whether a number has the three digits of a status (RFC 9110 §15). */
function isStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 999;
}

function createVerdict(status: number, hasRetryAfter: boolean, hasKey: boolean): Verdict {
  const reason = `http-${status}`;
  const row = hasKey ? statusesWithKey[status] : undefined;
  if (row !== undefined) return { kind: row[0], reason, advice: row[1] };
  if (hasRetryAfter && throttledWithRetryAfter.has(status)) {
    return { kind: "throttled", reason, advice: "Wait as long as Retry-After says" };
  }
  const [kind, advice] = statuses[status] ?? rowOfClass(status);
  return { kind, reason, advice };
}

/** Returns the verdict of a status that reports an exhausted quota: waiting does not help. */
export function quotaVerdict(status: number): Verdict {
  const advice = "Pay, or raise the quota: it is used up, and waiting does not restore it";
  return { kind: "rejected", reason: `http-${status}`, advice };
}

/** Returns the verdict of any error. For an unknown error, its cause is classified. */
export function errorVerdict(error: unknown): Verdict {
  let current = error;
  for (let depth = 0; depth < maxCauseDepth && current !== undefined; depth += 1) {
    const verdict = verdictWithoutCause(current);
    if (verdict !== undefined) return verdict;
    current = getField(current, "cause");
  }
  return failureVerdict("error");
}

/** Returns whether a later attempt from the same address and with the same credentials may succeed. */
export function isTransient(verdict: Verdict): boolean {
  return verdict.kind === "transient" || verdict.kind === "throttled";
}

/** Returns whether a second failure with this verdict is final, even if retries are left: a 421, or an unknown host name. */
export function isFinalWhenRepeated(verdict: Verdict): boolean {
  return finalWhenRepeated.has(verdict.reason);
}

function rowOfClass(status: number): Row {
  return classes[Math.min(Math.floor(status / 100), 5)] ?? noHttpStatus;
}

function verdictWithoutCause(error: unknown): Verdict | undefined {
  const failure = classifyFailure(error);
  if (failure !== undefined) return failureVerdict(failure);
  const status = getField(error, "status") ?? getField(getField(error, "response"), "status");
  return typeof status === "number" ? statusVerdict(status) : undefined;
}

function failureVerdict(reason: FailureName): Verdict {
  const [kind, advice] = failures[reason];
  return { kind, reason, advice };
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
