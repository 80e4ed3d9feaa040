import { ownValue } from "@holdfast/policy/internal";
import { errorMeaning, statusMeaning, type FailureName, type Verdict } from "./meaning.ts";

export type { Verdict } from "./meaning.ts";

const temporaryOutage = "Retry later: restarts and load spikes usually pass within minutes";
const serverFault = "Retry later: most server errors are temporary";
const cdnCannotReachOrigin = "Retry later: the CDN cannot reach the origin server";
const invalidRequest = "Check the parameters and the body: the server rejected their content";
const expiredCredentials = "Check the credentials: they are missing, wrong or expired";
const addressRefused = "Use another proxy or other credentials: the server refuses this client";

/** Advice for statuses of their own. The others have that of their class. */
const statuses: Readonly<Record<number, string>> = {
  400: invalidRequest,
  401: expiredCredentials,
  402: "Pay, or raise the quota of the account",
  403: addressRefused,
  404: "Check the URL: the server has no such resource",
  405: "Use a method that the Allow header of the response lists",
  406: "Change the Accept header: the server does not offer this format",
  407: "Check the credentials of the proxy: they are missing or wrong",
  408: "Retry: the server did not receive the complete request in time",
  409: "Fetch the resource and resolve the conflict with its current state",
  410: "Remove the URL: the resource was deleted permanently",
  412: "Fetch the resource again: it has changed, so the condition no longer holds",
  413: "Send a smaller body",
  414: "Shorten the URL",
  415: "Change the Content-Type: the server does not accept this format",
  416: "Request a range inside the resource: this one is beyond its end",
  420: "Send fewer requests: the server limits the rate",
  421: "Retry once on a new connection: this one leads to the wrong server",
  422: invalidRequest,
  423: "Wait until the resource is unlocked",
  425: "Retry without TLS early data",
  428: "Add a condition, for example the If-Match header",
  429: "Send fewer requests, and wait as long as Retry-After says",
  431: "Send fewer or shorter headers",
  451: "Use a proxy in another country: the content is withheld for legal reasons",
  498: expiredCredentials,
  500: serverFault,
  501: "Use another method: the server does not implement this one",
  502: temporaryOutage,
  503: temporaryOutage,
  504: temporaryOutage,
  505: "Use another HTTP version: the server does not support this one",
  506: "Report it to the site: its content negotiation is misconfigured",
  508: "Report it to the site: the server is caught in a loop",
  509: "Wait until the bandwidth limit of the site is lifted",
  510: "Check the documentation of the API: the server requires an extension",
  511: "Log in to the network (captive portal), or use another proxy",
  520: cdnCannotReachOrigin,
  521: cdnCannotReachOrigin,
  522: cdnCannotReachOrigin,
  523: cdnCannotReachOrigin,
  524: cdnCannotReachOrigin,
  525: "Report it to the site: the TLS setup between its CDN and its origin is broken",
  526: "Report it to the site: the certificate of its origin is invalid",
  529: "Retry later: the service is overloaded",
  999: addressRefused,
};

const noHttp = "Check the port and the scheme: the server does not speak HTTP";

/** Advice for a request with an idempotency key (draft-ietf-httpapi-idempotency-key-header-06 §2.7). */
const statusesWithKey: Readonly<Record<number, string>> = {
  409: "Retry with the same idempotency key: the first request is still in progress",
  422: "Check the body, or use a new idempotency key: this one belongs to another body",
};

const unreachable = "Check the network connection, or retry later: the host is unreachable";

/** Advice for each failure without a response. */
const failures: Readonly<Record<FailureName, string>> = {
  "timeout-connect": "Retry later, or use another proxy: the host did not accept the connection in time",
  "timeout-read": "Retry later, or raise timeout.read: the server stopped sending",
  "timeout-upload": "Check the source of the request body: it stopped producing data",
  "timeout-attempt": "Retry later, or raise timeout.attempt: the response takes too long",
  refused: "Check the port, or retry later: nothing accepts connections there",
  reset: "Retry later: the connection was reset",
  connection: "Retry later: the connection failed",
  unreachable: unreachable,
  dns: "Check the network connection, or retry later: the host name could not be resolved",
  "dns-not-found": "Check the host name: DNS does not know it, or the resolver is offline",
  "not-permitted": "Allow the connection: a firewall or sandbox on this machine forbids it",
  "too-many-files": "Lower the concurrency, or raise this machine's limit of open files",
  "address-not-allowed": "Check the URL: only public addresses are allowed",
  tls: "Retry later: the TLS handshake was interrupted",
  "tls-protocol": "Check the port and the scheme: the server does not offer a compatible TLS version",
  "tls-certificate": "Renew the server's certificate, or trust its issuer",
  "incomplete-body": "Retry: the connection ended before the body was complete",
  decode: "Retry: the body is damaged, or its Content-Encoding is wrong",
  "body-digest": "Retry: the body does not match the digest that the server sent",
  protocol: "Check the port and the scheme: the server does not speak HTTP",
  "too-large": "Raise maxBytes, or request a smaller response",
  proxy: "Use another proxy: this one failed",
  "proxy-throttled": "Send fewer requests through this proxy: it limits the rate",
  "proxy-auth": "Check the credentials of the proxy: they are missing or wrong",
  "proxy-payment": "Top up the proxy account: its credit is used up",
  "proxy-certificate": "Renew the proxy's certificate, or trust its issuer",
  "proxy-refused": "Use another proxy: this one refuses the target",
  "proxy-origin": "Retry later: the proxy cannot reach the host",
  "no-proxy": "Add proxies, or wait until one has finished its cooldown",
  "circuit-open": "Wait: the circuit breaker is open after too many failures of the host",
  "bulkhead-full": "Lower the concurrency: too many calls are in progress",
  "rate-limited": "Send fewer requests, or repeat this one at retryAt",
  deferred: "Repeat the request at resumeAt; a run does so automatically",
  deadline: "Raise timeout.total, or retry later",
  "too-many-redirects": "Check the URL and the cookies it needs: it redirects in a loop",
  "bad-url": "Check the URL: it must be a valid http or https URL",
  "body-not-replayable": "Pass the body as bytes, or as a function that creates it for each attempt",
  digest: "Check the expected digest and the source: the downloaded file differs",
  "disk-full": "Free disk space and repeat the download: it continues where it stopped",
  "file-access": "Choose a path that this user may write to",
  "file-busy": "Wait for the other download of the same file",
  aborted: "The caller cancelled the request",
  error: "See the cause of the error: it is unexpected",
};

const success: Verdict = { kind: "success", reason: "ok", advice: "" };

/** Returns the verdict of a status, as `statusMeaning` classifies it. */
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
  const { kind, reason } = statusMeaning(status, hasRetryAfter, hasKey);
  const withKey = hasKey ? statusesWithKey[status] : undefined;
  const isWait = kind === "throttled" && hasRetryAfter && statusMeaning(status).kind !== "throttled";
  const advice = withKey ?? (isWait ? "Wait as long as Retry-After says" : adviceFor(status));
  return { kind, reason, advice };
}

function adviceFor(status: number): string {
  const own = statuses[status];
  if (own !== undefined) return own;
  if (status < 100 || Number.isNaN(status)) return noHttp;
  if (status < 400) return "";
  return status < 500 ? "Check the request: the server rejected it" : serverFault;
}

/** Returns the verdict of a status that reports an exhausted quota: waiting does not help. */
export function quotaVerdict(status: number): Verdict {
  const advice = "Pay, or raise the quota: it is used up, and waiting does not restore it";
  return { kind: "rejected", reason: `http-${status}`, advice };
}

/** Returns the verdict of any error, as `errorMeaning` classifies it. */
export function errorVerdict(error: unknown): Verdict {
  const { kind, reason } = errorMeaning(error);
  const status = /^http-(\d+)$/.exec(reason)?.[1];
  if (status !== undefined) return statusVerdict(Number(status));
  return { kind, reason, advice: ownValue<string>(failures, reason) ?? "" };
}
