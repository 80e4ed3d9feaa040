import type { ProxyReason } from "../errors/proxy-reason.ts";

/** What an exchange means: whether another attempt can help, and what a person should do. */
export interface Verdict {
  /**
   * `transient` and `throttled` may be cured by a later attempt, `blocked` by one from another address or with other
   * credentials, `rejected` by none.
   */
  readonly kind: "success" | "transient" | "throttled" | "blocked" | "rejected";
  /** A short stable code: `"ok"`, `"http-503"`, `"timeout-read"`. */
  readonly reason: string;
  /** What to do, for a person; empty after a success. */
  readonly advice: string;
}

type Kind = Verdict["kind"];
type Row = readonly [kind: Kind, advice: string];

const restarting = "back off; restarts and spikes pass";
const originDown = "back off; the CDN cannot reach the origin";

/** Statuses with a meaning of their own; the others go by their class. */
const statuses: Readonly<Record<number, Row>> = {
  400: ["rejected", "fix the payload or the parameters"],
  401: ["rejected", "refresh the credentials"],
  402: ["rejected", "pay, or raise the quota"],
  403: ["blocked", "switch the proxy or the credentials"],
  404: ["rejected", "the URL is wrong"],
  405: ["rejected", "use a method that the Allow header lists"],
  406: ["rejected", "ask for a format that the server has (Accept)"],
  407: ["blocked", "give the proxy its credentials"],
  408: ["transient", "ask again; the server did not get the request in time"],
  409: ["rejected", "resolve the conflict with the resource's present state"],
  410: ["rejected", "the resource is gone for good"],
  412: ["rejected", "fetch the resource anew; the condition no longer holds"],
  413: ["rejected", "send a smaller body"],
  414: ["rejected", "shorten the URL"],
  415: ["rejected", "send a Content-Type that the server takes"],
  416: ["rejected", "ask for a range that exists"],
  420: ["throttled", "slow down; the server limits the rate"],
  421: ["transient", "ask once more on a new connection"],
  422: ["rejected", "fix the payload or the parameters"],
  423: ["rejected", "wait until the resource is unlocked"],
  425: ["transient", "ask again, without early data"],
  428: ["rejected", "send a condition such as If-Match"],
  429: ["throttled", "slow down; honour Retry-After"],
  431: ["rejected", "send fewer or shorter headers"],
  451: ["blocked", "the content is withheld by law; switch to a proxy in another country"],
  498: ["rejected", "refresh the credentials"],
  500: ["transient", "back off; often passes"],
  501: ["rejected", "the server does not know the method"],
  502: ["transient", restarting],
  503: ["transient", restarting],
  504: ["transient", restarting],
  505: ["rejected", "the server refuses this version of HTTP"],
  506: ["rejected", "the server is misconfigured"],
  508: ["rejected", "the server goes round in a loop"],
  509: ["throttled", "wait until the site's bandwidth limit is lifted"],
  510: ["rejected", "the server wants an extension that was not sent"],
  511: ["blocked", "log in to the network first (captive portal), or switch the proxy"],
  520: ["transient", originDown],
  521: ["transient", originDown],
  522: ["transient", originDown],
  523: ["transient", originDown],
  524: ["transient", originDown],
  525: ["rejected", "the TLS set-up between CDN and origin is broken"],
  526: ["rejected", "the origin's certificate is invalid"],
  529: ["throttled", "back off; the service is overloaded"],
  999: ["blocked", "switch the proxy or the credentials"],
};

// A 1xx and a 3xx are what was asked for as much as a 2xx: nothing has failed, and no further attempt would better them.
const asAsked: Row = ["success", ""];

/** What a status means that the table does not name, by its first digit (RFC 9110 §15: treat it as its class's x00). */
const classes: Readonly<Record<number, Row>> = {
  1: asAsked,
  2: asAsked,
  3: asAsked,
  4: ["rejected", "fix the request"],
  5: ["transient", "back off; often passes"],
};
const noClass: Row = ["rejected", "what answers is not speaking HTTP"];

/** What the draft for idempotency keys makes of statuses (draft-ietf-httpapi-idempotency-key-header-06, section 2.7). */
const keyed: Readonly<Record<number, Row>> = {
  409: ["transient", "ask again with the same key; the first request with it is still under way"],
  422: ["rejected", "fix the payload, or take a new key; this one may have been used with another payload"],
};

const online = "check the network, or back off until the host is reachable";

/** What each failure without an answer means. */
const failures = {
  "timeout-connect": ["transient", "back off; the host is slow, unreachable, or behind a bad proxy"],
  "timeout-read": ["transient", "back off; the server may be overloaded"],
  "timeout-upload": ["rejected", "look at what gives the request's body; it stalled"],
  "timeout-attempt": ["transient", "back off, or raise timeout.attempt; the answer takes too long"],
  refused: ["transient", "back off; the server may be restarting, or the port is wrong"],
  reset: ["transient", "back off; the connection was cut"],
  connection: ["transient", "back off; the connection failed"],
  unreachable: ["transient", online],
  dns: ["transient", online],
  "dns-not-found": ["transient", "check the host's name; if it is right, the resolver may be offline"],
  "not-permitted": ["rejected", "a firewall or sandbox on this machine forbids the connection"],
  "too-many-files": ["transient", "lower the concurrency or raise this machine's limit of open files"],
  tls: ["transient", "back off; the TLS handshake was cut"],
  "tls-protocol": ["rejected", "check the port and the scheme; the server does not speak this TLS"],
  "tls-certificate": ["rejected", "renew the server's certificate, or trust its issuer"],
  "incomplete-body": ["transient", "ask again, and resume"],
  decode: ["transient", "ask again; the body was damaged or is mislabelled"],
  protocol: ["rejected", "check the port and the scheme; what answers is not speaking HTTP"],
  "too-large": ["rejected", "raise maxBytes, or ask for less"],
  proxy: ["transient", "switch the proxy"],
  "proxy-throttled": ["throttled", "slow down; the proxy limits the rate"],
  "proxy-auth": ["blocked", "give the proxy its credentials"],
  "proxy-payment": ["blocked", "the proxy's credit is used up"],
  "proxy-certificate": ["blocked", "renew the proxy's certificate, or trust its issuer"],
  "proxy-refused": ["blocked", "switch the proxy; this one refuses the target"],
  "proxy-origin": ["transient", "back off; the proxy cannot reach the host"],
  "no-proxy": ["blocked", "add proxies, or wait until one has rested"],
  "circuit-open": ["transient", "wait; the host has failed too often of late"],
  "bulkhead-full": ["transient", "lower the concurrency; too many calls are under way"],
  "rate-limited": ["throttled", "slow down; ask again when retryAt has come"],
  deferred: ["throttled", "ask again when resumeAt has come; a run does so by itself"],
  deadline: ["transient", "raise timeout.total, or ask later"],
  "too-many-redirects": ["rejected", "the URL redirects in a loop; check it, and the cookies it wants"],
  "bad-url": ["rejected", "the URL is wrong"],
  "body-not-replayable": ["rejected", "give the body as bytes, or as a function that makes it anew"],
  digest: ["rejected", "check the digest and the source; what came is not what was expected"],
  "disk-full": ["rejected", "make room, and ask again; what is there stays"],
  "file-access": ["rejected", "save it where this user may write"],
  "file-busy": ["transient", "wait for the other download of the same file"],
  aborted: ["rejected", "the caller cancelled the request"],
  error: ["rejected", "an unexpected error; see its cause"],
} as const satisfies Readonly<Record<string, Row>>;

type Failure = keyof typeof failures;

/** Failures by the `code` of the error. `ERR_CONNECTION`, `ERR_TLS` and `ERR_PROXY` say more by their other fields. */
const codes: Readonly<Record<string, Failure>> = {
  ERR_CONNECT_TIMEOUT: "timeout-connect",
  ERR_READ_TIMEOUT: "timeout-read",
  ERR_UPLOAD_TIMEOUT: "timeout-upload",
  ERR_ATTEMPT_TIMEOUT: "timeout-attempt",
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

/** Failures of a connection by the platform's own code (errno.h, getaddrinfo, c-ares). */
const errnos: Readonly<Record<string, Failure>> = {
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

/** Failures on the way through a proxy by their reason; any other is `proxy`. */
const proxyReasons: Readonly<Record<string, Failure>> = {
  auth: "proxy-auth",
  payment: "proxy-payment",
  certificate: "proxy-certificate",
  refused: "proxy-refused",
  unsupported: "proxy-refused",
  throttled: "proxy-throttled",
} satisfies Partial<Record<ProxyReason, Failure>>;

const success: Verdict = { kind: "success", reason: "ok", advice: "" };
// A certain refusal turns into a request to come later when the server names the time (RFC 9110 §15.5.14 for 413; GitHub's 403).
const laterWithRetryAfter: ReadonlySet<number> = new Set([403, 413]);
// Causes may form a circle.
const deepestCause = 8;
// A second answer of the same kind is the last word: a new connection, or a second look-up, has made sure of it.
const finalTheSecondTime: ReadonlySet<string> = new Set<string>([
  "http-421",
  "dns-not-found" satisfies Failure,
]);

/**
 * Says what a status means. With a Retry-After, a 403 or 413 is a limit that passes, not a refusal; to a request with an
 * idempotency key, a 409 means that its twin is still under way.
 */
export function statusVerdict(status: number, hasRetryAfter = false, hasKey = false): Verdict {
  if (status >= 200 && status < 300) return success;
  const reason = `http-${status}`;
  const row = hasKey ? keyed[status] : undefined;
  if (row !== undefined) return { kind: row[0], reason, advice: row[1] };
  if (hasRetryAfter && laterWithRetryAfter.has(status)) {
    return { kind: "throttled", reason, advice: "wait as long as the server asks" };
  }
  const [kind, advice] = statuses[status] ?? classOf(status);
  return { kind, reason, advice };
}

/** What a status means behind which stands a limit that no waiting lifts: an allowance is used up. */
export function quotaVerdict(status: number): Verdict {
  const advice = "pay, or raise the quota; it is used up, and no waiting brings it back";
  return { kind: "rejected", reason: `http-${status}`, advice };
}

/** Says what an error means, whoever threw it; one that says nothing itself means what its cause means. */
export function errorVerdict(error: unknown): Verdict {
  let at = error;
  for (let depth = 0; depth < deepestCause && at !== undefined; depth += 1) {
    const verdict = ownVerdict(at);
    if (verdict !== undefined) return verdict;
    at = field(at, "cause");
  }
  return failureVerdict("error");
}

/** Whether a later attempt may be cured of what the verdict says, from the same address and with the same credentials. */
export function isTransient(verdict: Verdict): boolean {
  return verdict.kind === "transient" || verdict.kind === "throttled";
}

/** Whether a second failure with this verdict is final, however many retries are left: a 421, or a name that is not found. */
export function isFinalWhenRepeated(verdict: Verdict): boolean {
  return finalTheSecondTime.has(verdict.reason);
}

function classOf(status: number): Row {
  return classes[Math.min(Math.floor(status / 100), 5)] ?? noClass;
}

function ownVerdict(error: unknown): Verdict | undefined {
  const failure = failureOf(error);
  if (failure !== undefined) return failureVerdict(failure);
  const status = field(error, "status") ?? field(field(error, "response"), "status");
  return typeof status === "number" ? statusVerdict(status) : undefined;
}

function failureVerdict(reason: Failure): Verdict {
  const [kind, advice] = failures[reason];
  return { kind, reason, advice };
}

function failureOf(error: unknown): Failure | undefined {
  const code = field(error, "code");
  if (code === "ERR_CONNECTION") return connectionFailure(error);
  if (code === "ERR_TLS") return tlsFailure(error);
  if (code === "ERR_PROXY") return proxyFailure(String(field(error, "reason")));
  const name = field(error, "name");
  if (name === "AbortError" || name === "TimeoutError") return "aborted";
  return typeof code === "string" ? (codes[code] ?? errnos[code]) : undefined;
}

function connectionFailure(error: unknown): Failure {
  const phase = field(error, "phase");
  const failure = errnos[String(field(error, "errno"))] ?? (phase === "dns" ? "dns" : "connection");
  const answering = phase === "send" || phase === "headers" || phase === "body";
  return failure === "timeout-connect" && answering ? "timeout-read" : failure;
}

function tlsFailure(error: unknown): Failure {
  if (field(error, "certificate") === true) return "tls-certificate";
  const errno = String(field(error, "errno"));
  // RFC 8446 §6.2: internal_error has nothing to do with what either side said.
  if (errno.endsWith("ALERT_INTERNAL_ERROR")) return "tls";
  return /^(?:EPROTO$|ERR_SSL_)/.test(errno) ? "tls-protocol" : "tls";
}

function proxyFailure(reason: string): Failure {
  return proxyReasons[reason] ?? (reason.startsWith("origin-") ? "proxy-origin" : "proxy");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
