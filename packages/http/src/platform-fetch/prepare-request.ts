import { defaultIdempotencyHeader as keyHeader } from "../call/idempotency.ts";
import type { RequestFacts } from "../retry/rules.ts";

type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];

/** A call of `fetch`, prepared for several attempts. */
export interface PreparedFetch {
  readonly request: RequestFacts;
  readonly signal: AbortSignal | undefined;
  /** Sends one attempt. Later attempts send the same request again. */
  readonly send: (platformFetch: Fetch, signal: AbortSignal | undefined) => Promise<Response>;
}

type BodyKind = RequestFacts["body"]["kind"];

/**
 * Prepares the arguments of `fetch`. Returns undefined for those that the platform answers or rejects without the network: URLs
 * of another scheme than http and https, a body that was already read, and a GET with a body.
 *
 * @throws TypeError as the platform does for an invalid URL, method or header.
 */
export function prepareRequest(
  input: Input,
  init: RequestInit,
  key: "auto" | undefined,
): PreparedFetch | undefined {
  const source = input instanceof Request ? input : undefined;
  const parsed = parseHead(source, input, init);
  const kind = kindOfBody(source, init.body ?? null);
  if (kind === "used" || !isSentByNetwork(parsed, kind)) return undefined;
  const headers = key === "auto" ? withKey(parsed) : undefined;
  return {
    request: toFacts(parsed, kind),
    signal: init.signal ?? source?.signal,
    send: sender(input, headers === undefined ? init : { ...init, headers }),
  };
}

/** A Request gives its body away once. It is taken over here, and each attempt sends a copy. */
function sender(input: Input, init: RequestInit): PreparedFetch["send"] {
  const kept = input instanceof Request && (init.body ?? null) === null ? new Request(input) : undefined;
  return (platformFetch, signal) =>
    platformFetch(kept?.clone() ?? input, signal === undefined ? init : { ...init, signal });
}

function toFacts({ method, url, headers }: Request, kind: BodyKind): RequestFacts {
  return { method, url: new URL(url), idempotencyKey: headers.get(keyHeader) ?? undefined, body: { kind } };
}

function isSentByNetwork({ url, method }: Request, body: BodyKind): boolean {
  return /^https?:/.test(url) && (body === "none" || !/^(?:GET|HEAD)$/.test(method));
}

/** Parses method, URL and headers. The body and the signal belong to the attempts. */
function parseHead(source: Request | undefined, input: Input, init: RequestInit): Request {
  return new Request(source?.url ?? input, {
    method: init.method ?? source?.method ?? "GET",
    headers: init.headers ?? source?.headers ?? {},
  });
}

/** Adds a key to a POST or PATCH without one. Returns the headers then. */
function withKey({ method, headers }: Request): Headers | undefined {
  if (headers.has(keyHeader) || !/^(?:POST|PATCH)$/.test(method)) return undefined;
  headers.set(keyHeader, crypto.randomUUID());
  return headers;
}

/** The body of a Request is copied before it is sent. A stream, or anything that is iterated, gives its bytes once. */
function kindOfBody(source: Request | undefined, own: unknown): BodyKind | "used" {
  if (own !== null) return isStream(own) ? "one-shot" : "bytes";
  if (source?.bodyUsed === true) return "used";
  return (source?.body ?? null) === null ? "none" : "bytes";
}

function isStream(body: unknown): boolean {
  return (
    body instanceof ReadableStream ||
    (typeof body === "object" && body !== null && Symbol.asyncIterator in body)
  );
}
