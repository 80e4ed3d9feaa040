import { isDeepStrictEqual } from "node:util";
import type { Clock, Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { Adapter, SendOptions } from "../adapter/adapter.ts";
import { passTime, readRequestBody } from "../adapter/simulate.ts";
import { ConnectionError, ReadTimeoutError } from "../errors/transport-errors.ts";
import { joinUrl, parseBaseUrl } from "../model/base-url.ts";
import type { HeaderRecord } from "../model/headers.ts";
import { parseUrl, type HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import {
  aFunction,
  duration,
  integer,
  isObject,
  kind,
  options,
  refuse,
  type Check,
} from "../support/validate.ts";

/** Selects the requests that get the replies of a mock. */
export interface MockMatch {
  /** In any case. @default "GET" */
  readonly method?: string | undefined;
  /**
   * The whole URL with its query, in any order of the parameters. A path is below the `baseUrl` of the session. A pattern is tested
   * against the whole URL.
   */
  readonly url: string | URL | RegExp | ((url: URL) => boolean);
  /** The body as text or as JSON, or a test of its text. @default any body, or none */
  readonly body?: string | RegExp | object | ((text: string) => boolean) | undefined;
  /** Headers that the request must have. @default none */
  readonly headers?: Readonly<Record<string, string | RegExp>> | undefined;
}

/** The failure of a request: a connection that is refused, or reset after the request was sent; a server that stays silent. */
export type MockFailure = "refused" | "reset" | "timeout";

/** A reply of a mock. */
export interface MockReply {
  /** @default 200 */
  readonly status?: number | undefined;
  /** @default none */
  readonly statusText?: string | undefined;
  /** @default none */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** @default an empty body */
  readonly body?: string | Uint8Array | undefined;
  /** A value that is sent as JSON, in place of `body`. */
  readonly json?: unknown;
  /** Rejects the attempt in place of a response. @default a response */
  readonly error?: MockFailure | Error | undefined;
  /** Time until the reply, within the limits of the session. @default 0 */
  readonly delay?: Duration | undefined;
  /** How often this reply is given before the next one. Infinity needs to be used once. @default 1 */
  readonly times?: number | undefined;
}

/** A request that a mock received. */
export interface MockedRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: HeaderRecord;
  /** The body as text; undefined without one. */
  readonly body: string | undefined;
}

/** A reply, or a function that makes it for a request. */
export type MockReplyInit = MockReply | ((request: MockedRequest) => MockReply | Promise<MockReply>);

/** The replies that a session gets in place of a network. Ends with `restore`, or at the end of a `using` declaration. */
export interface SessionMock extends Disposable {
  /** All requests so far, also those that were refused. */
  readonly requests: readonly MockedRequest[];
  /**
   * Sets the replies to the requests that match, one for each request in this order. A URL matches its GETs. Replies that were set
   * first are used first.
   *
   * @throws TypeError or RangeError for a wrong match or reply.
   */
  on(match: string | URL | MockMatch, ...replies: readonly MockReplyInit[]): this;
  /** Throws an error that lists the replies that were not used, and the requests that were refused. */
  assertDone(): void;
  /** Gives the session its network back. */
  restore(): void;
}

/** What a mock needs of its session. */
export interface MockedSession {
  readonly clock: Clock;
  readonly baseUrl: string | URL | undefined;
  /** Replaces the adapter of every URL. Returns a function that ends it. */
  readonly substitute: (adapter: Adapter) => () => void;
}

/** A match and its replies that are left. */
interface Expectation {
  readonly match: MockMatch;
  readonly replies: { readonly init: MockReplyInit; left: number; wasUsed: boolean }[];
}

/** Creates the mock of a session, which takes effect immediately. */
export function createMock(session: MockedSession): SessionMock {
  const expectations: Expectation[] = [];
  const requests: MockedRequest[] = [];
  const refused: string[] = [];
  const send = async (request: HttpRequest, how: SendOptions): Promise<HttpResponse> => {
    how.signal?.throwIfAborted();
    const { method, url, headers, body } = request;
    const type = "contentType" in body ? { "content-type": body.contentType } : {};
    const text = await readRequestBody(body);
    const received = { method, url: url.href, headers: { ...type, ...headers }, body: text };
    requests.push(received);
    const init = takeReply(expectations, received);
    if (init === undefined) {
      refused.push(describe(received));
      throw new TypeError(explainRefusal(received, expectations));
    }
    const reply = typeof init === "function" ? await init(received) : init;
    if (typeof init === "function") refuse("reply", replyCheck(reply));
    return play(reply, { clock: session.clock, url, how });
  };
  const restore = session.substitute({ send, close: () => Promise.resolve() });
  return {
    requests,
    on(match, ...replies) {
      expectations.push(toExpectation(match, replies, session.baseUrl));
      return this;
    },
    assertDone: () => assertDone(expectations, refused),
    restore,
    [Symbol.dispose]: restore,
  };
}

const matchCheck: Check = options<MockMatch>({
  method: kind({ wanted: "a method such as POST", fits: (value) => typeof value === "string" }),
  url: kind({
    wanted: "a URL, a pattern or a function",
    fits: (value) =>
      typeof value === "string" ||
      typeof value === "function" ||
      value instanceof URL ||
      value instanceof RegExp,
  }),
  body: kind({
    wanted: "a string, a pattern, a value that is JSON, or a function",
    fits: (value) => typeof value === "string" || isObject(value) || aFunction(value) === undefined,
  }),
  headers: kind({ wanted: "an object of names and values", fits: isObject }),
});

const replyOptions = options<MockReply>({
  status: kind({
    wanted: "a status from 200 to 599",
    fits: (value) => Number.isInteger(value) && Number(value) >= 200 && Number(value) <= 599,
    type: "number",
  }),
  statusText: kind({ wanted: "a string", fits: (value) => typeof value === "string" }),
  headers: kind({ wanted: "an object of names and values", fits: isObject }),
  body: kind({
    wanted: "a string or bytes",
    fits: (value) => typeof value === "string" || value instanceof Uint8Array,
  }),
  json: () => undefined,
  error: kind({
    wanted: '"refused", "reset", "timeout" or an Error',
    fits: (value) =>
      value instanceof Error ||
      (typeof value === "string" && ["refused", "reset", "timeout"].includes(value)),
  }),
  delay: duration,
  times: integer(1),
});

const replyCheck: Check = (value) =>
  replyOptions(value) ??
  (isObject(value) && value["body"] !== undefined && value["json"] !== undefined
    ? { at: "", says: "takes body or json, got both", range: false }
    : undefined);

function toExpectation(
  given: string | URL | MockMatch,
  replies: readonly MockReplyInit[],
  baseUrl: string | URL | undefined,
): Expectation {
  const match = typeof given === "string" || given instanceof URL ? { url: given } : given;
  refuse("mock.on", matchCheck(match));
  if (match.url === undefined) throw new TypeError("mock.on needs a url: a URL, a pattern or a function");
  if (replies.length === 0)
    throw new TypeError(
      'mock.on needs one reply or more, for example { status: 200, json: { name: "Ada" } }',
    );
  for (const [index, reply] of replies.entries())
    if (typeof reply !== "function") refuse(`mock.on: reply ${index + 1}`, replyCheck(reply));
  return {
    match: { ...match, url: resolveMatchUrl(match.url, baseUrl) },
    replies: replies.map((init) => ({
      init,
      left: typeof init === "function" ? 1 : (init.times ?? 1),
      wasUsed: false,
    })),
  };
}

/** Returns the URL of a match as requests have it. */
function resolveMatchUrl(url: MockMatch["url"], baseUrl: string | URL | undefined): MockMatch["url"] {
  if (typeof url === "function" || url instanceof RegExp) return url;
  return parseUrl(baseUrl === undefined ? url : joinUrl(parseBaseUrl(baseUrl), url));
}

/** Returns the next reply to a request; undefined for a request that no mock expects. */
function takeReply(expectations: readonly Expectation[], request: MockedRequest): MockReplyInit | undefined {
  for (const { match, replies } of expectations) {
    const next = replies.find(({ left }) => left > 0);
    if (next === undefined || !matches(match, request)) continue;
    next.left -= 1;
    next.wasUsed = true;
    return next.init;
  }
  return undefined;
}

function matches({ method = "GET", url, body, headers = {} }: MockMatch, request: MockedRequest): boolean {
  return (
    method.toUpperCase() === request.method.toUpperCase() &&
    matchesUrl(url, new URL(request.url)) &&
    (body === undefined || matchesBody(body, request.body ?? "")) &&
    Object.entries(headers).every(([name, value]) =>
      matchesText(value, String(request.headers[name.toLowerCase()] ?? "")),
    )
  );
}

function matchesUrl(wanted: MockMatch["url"], url: URL): boolean {
  if (typeof wanted === "function") return wanted(url);
  if (wanted instanceof RegExp) return matchesText(wanted, url.href);
  return comparedUrl(new URL(wanted)) === comparedUrl(new URL(url));
}

/** Returns a URL without its fragment, its parameters in the order of their names. */
function comparedUrl(url: URL): string {
  url.hash = "";
  url.searchParams.sort();
  return url.href;
}

function matchesBody(wanted: NonNullable<MockMatch["body"]>, text: string): boolean {
  if (typeof wanted === "function") return wanted(text) === true;
  if (typeof wanted === "string" || wanted instanceof RegExp) return matchesText(wanted, text);
  try {
    return isDeepStrictEqual(JSON.parse(text), structuredClone(wanted));
  } catch {
    return false;
  }
}

function matchesText(wanted: string | RegExp, text: string): boolean {
  if (typeof wanted === "string") return wanted === text;
  // A global pattern would continue from its last match.
  wanted.lastIndex = 0;
  return wanted.test(text);
}

interface Played {
  readonly clock: Clock;
  readonly url: URL;
  readonly how: SendOptions;
}

async function play(reply: MockReply, { clock, url, how }: Played): Promise<HttpResponse> {
  const target = url.host;
  await passTime(toMs(reply.delay ?? 0), { clock, target, options: how });
  if (reply.error !== undefined) throw toError(reply.error, target, how.timeouts.read);
  return toResponse(reply, url.href);
}

function toResponse(reply: MockReply, url: string): HttpResponse {
  const { status = 200, statusText = "", json } = reply;
  const isJson = json !== undefined;
  const headers = new Map<string, string | readonly string[]>(
    isJson ? [["content-type", "application/json"]] : [],
  );
  for (const [name, value] of Object.entries(reply.headers ?? {})) headers.set(name.toLowerCase(), value);
  const body = isJson ? JSON.stringify(json) : (reply.body ?? "");
  const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return new HttpResponse({ status, statusText, url, headers: Object.fromEntries(headers), content });
}

function toError(error: MockFailure | Error, target: string, readLimit: number): Error {
  switch (error) {
    case "refused":
      return new ConnectionError(`${target} refused the connection (ECONNREFUSED)`, {
        errno: "ECONNREFUSED",
        phase: "connect",
        mayHaveArrived: false,
      });
    case "reset":
      return new ConnectionError(`${target} closed the connection before it responded (ECONNRESET)`, {
        errno: "ECONNRESET",
        phase: "headers",
        mayHaveArrived: true,
      });
    case "timeout":
      return new ReadTimeoutError(target, readLimit, "headers");
    default:
      return error;
  }
}

function describe({ method = "GET", url }: Pick<MockMatch, "method" | "url">): string {
  return `${method.toUpperCase()} ${typeof url === "function" ? "(function)" : String(url)}`;
}

function explainRefusal(request: MockedRequest, expectations: readonly Expectation[]): string {
  const known = expectations.map(
    ({ match, replies }) =>
      describe(match) + (replies.every(({ left }) => left === 0) ? " (all replies are used)" : ""),
  );
  const list = known.length === 0 ? "The mock has no replies" : `The mock replies to ${known.join(", ")}`;
  return `${describe(request)}: the session is mocked, and no reply matches this request. ${list}. Add one with mock.on(…)`;
}

function assertDone(expectations: readonly Expectation[], refused: readonly string[]): void {
  const unused = expectations.flatMap(({ match, replies }) => {
    const left = replies.filter(({ left, wasUsed }) => (left === Infinity ? !wasUsed : left > 0));
    return left.length === 0 ? [] : [`${describe(match)}: ${left.length} of ${replies.length} replies`];
  });
  if (unused.length === 0 && refused.length === 0) return;
  const problems = [
    ...(unused.length > 0 ? [`Not used: ${unused.join("; ")}`] : []),
    ...(refused.length > 0 ? [`Refused: ${refused.join(", ")}`] : []),
  ];
  throw new Error(`The session did not send the requests that its mock expects. ${problems.join(". ")}`);
}
