import { RetryError } from "@holdfast/policy";
import { leavesOrigin } from "../../packages/http/src/model/redirect-request.ts";
import { parseRetryAfter } from "../../packages/http/src/retry/retry-after.ts";
import { credentialHeaders } from "../../packages/http/src/retry/normalize.ts";
import type { RetryCount } from "../../packages/http/src/retry/options.ts";
import { ResponseError } from "../../packages/http/src/retry/history.ts";
import { Retry } from "../../packages/http/src/retry/retry.ts";
import {
  classOf,
  errorOf,
  longestScript,
  type UrlopenVector,
  type ScriptEntry,
} from "./urllib3-urlopen-script.ts";
import { type Config, retryOf } from "./urllib3-retry.ts";

/** Deviations of a session from urllib3's `urlopen`; without any of them, the model matches urllib3. */
export type Rule =
  | "body-after-303"
  | "body-rewound"
  | "counters-kept"
  | "credentials-kept"
  | "damaged-body"
  | "listed-redirect"
  | "method-after-redirect"
  | "not-http"
  | "patience"
  | "redirect-delay"
  | "relative-location"
  | "redirect-as-status"
  | "total-off"
  | "unparsable-delay";

export const allRules: ReadonlySet<Rule> = new Set<Rule>([
  "body-after-303",
  "body-rewound",
  "counters-kept",
  "credentials-kept",
  "damaged-body",
  "listed-redirect",
  "method-after-redirect",
  "not-http",
  "patience",
  "redirect-delay",
  "relative-location",
  "redirect-as-status",
  "total-off",
  "unparsable-delay",
]);

/** One request on the wire. */
export interface Sent {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  readonly body: string | null;
}

/** A request that was followed by another one: its error or status, and whether it was a redirect. */
export type Row = readonly [error: string | null, status: number | null, redirected: boolean];

/** The outcome of a call without the counters, which `urllib3-retry.json` covers. */
export type Ending =
  | { readonly outcome: "response"; readonly status: number; readonly history: readonly Row[] }
  | { readonly outcome: "error"; readonly error: string; readonly message?: string };

export type Played = Ending & { readonly requests: readonly Sent[]; readonly sleeps: readonly number[] };

interface State {
  readonly request: Sent;
  readonly retry: Retry;
  /** The counters of a manager after a redirect, without the retries before it. */
  readonly onRedirect: Retry;
  readonly history: readonly Row[];
}

type Step = { readonly end: Ending } | { readonly next: State; readonly sleep: number };

const redirects = new Set([301, 302, 303, 307, 308]);
const bodyHeaders = new Set([
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
]);

/** The facts of all cases: the time in milliseconds since 1970, and the text of every body. */
export interface World {
  readonly now: number;
  readonly text: string;
}

/** Plays a case by urllib3's rules, except the named deviations. */
export function playModel(vector: UrlopenVector, rules: ReadonlySet<Rule>, { now, text }: World): Played {
  const requests: Sent[] = [];
  const sleeps: number[] = [];
  let state = startOf(vector, rules, text);
  for (;;) {
    requests.push(state.request);
    if (requests.length > longestScript) return { outcome: "error", error: "Error", requests, sleeps };
    const entry = vector.script[Math.min(requests.length, vector.script.length) - 1];
    if (entry === undefined) throw new Error("the script is empty");
    const step = new Loop(vector, rules, now).step(state, entry);
    if ("end" in step) return { ...step.end, requests, sleeps };
    if (step.sleep > 0) sleeps.push(step.sleep / 1_000);
    state = step.next;
  }
}

function startOf(
  { level, method, url, headers, body, redirect, retries }: UrlopenVector,
  rules: ReadonlySet<Rule>,
  text: string,
): State {
  const target = `http://a.test:80${url.replace("http://a.test", "")}`;
  const names = headers.map((name) => name.toLowerCase()).toSorted();
  const whole = typeof retries === "object" && retries !== null ? retryOf(withNumbers(retries)) : undefined;
  const made = (followed: boolean): Retry => whole ?? Retry.fromInt(retries as RetryCount, followed);
  const forgets = level === "manager" && !rules.has("counters-kept");
  return {
    request: { method, target, headers: names, body: body === undefined ? null : text },
    retry: made(forgets ? false : redirect),
    onRedirect: made(redirect),
    history: [],
  };
}

// urllib3 accepts a string as a status, and no response has such a status.
function withNumbers({ status_forcelist: listed, ...rest }: Config): Config {
  if (!Array.isArray(listed)) return { ...rest, ...(listed !== undefined && { status_forcelist: listed }) };
  return { ...rest, status_forcelist: listed.filter((status) => typeof status === "number") };
}

/** One case with the rules of urllib3 and the given deviations. */
class Loop {
  readonly #vector: UrlopenVector;
  readonly #rules: ReadonlySet<Rule>;
  readonly #now: number;

  constructor(vector: UrlopenVector, rules: ReadonlySet<Rule>, now: number) {
    this.#vector = vector;
    this.#rules = rules;
    this.#now = now;
  }

  step(state: State, entry: ScriptEntry): Step {
    if (entry.error !== undefined) return this.#failure(state, entry.error);
    const { status = 0, location } = entry;
    const redirected = this.#vector.redirect && location !== undefined && redirects.has(status);
    const retriedFirst = this.#rules.has("listed-redirect") && this.#isListed(state, entry);
    return redirected && !retriedFirst
      ? this.#redirect(state, entry, location)
      : this.#answer(state, entry, redirected ? location : undefined);
  }

  #isListed({ retry, request }: State, { status = 0, retry_after }: ScriptEntry): boolean {
    if (retry.total === false && this.#rules.has("total-off")) return false;
    return retry.isRetry(request.method, status, Boolean(retry_after));
  }

  #failure(state: State, kind: string): Step {
    const { retry, request, history } = state;
    const thrown: Step = { end: { outcome: "error", error: classOf(kind) } };
    const { method, target: url } = request;
    if (kind === "decode" && !this.#rules.has("damaged-body")) return thrown;
    if (kind === "decode" && !retry.isMethodRetryable(method)) return thrown;
    if (kind === "bad_status_line" && this.#rules.has("not-http")) return thrown;
    const next = counting(() => retry.increment({ method, url, error: errorOf(kind) }));
    if (!(next instanceof Retry)) return thrown;
    return {
      next: { ...state, retry: next, history: [...history, [classOf(kind), null, false]] },
      sleep: next.getBackoffTime(() => 0),
    };
  }

  #redirect(state: State, entry: ScriptEntry, location: string): Step {
    const { status = 0 } = entry;
    const { request, history, onRedirect } = state;
    const forgets = this.#vector.level === "manager" && !this.#rules.has("counters-kept");
    const retry = forgets ? onRedirect : state.retry;
    const before = forgets ? onRedirect.history.map(rowOf) : history;
    const here: Step = { end: { outcome: "response", status, history } };
    const next = counting(() =>
      retry.increment({
        method: request.method,
        url: request.target,
        response: { status, redirectLocation: location },
      }),
    );
    if (!(next instanceof Retry)) return retry.raiseOnRedirect ? { end: refused(next) } : here;
    if (
      status === 303 &&
      this.#vector.body === "file" &&
      this.#vector.level === "pool" &&
      !this.#rules.has("body-after-303")
    ) {
      return { end: { outcome: "error", error: "ValueError" } };
    }
    const delay = this.#redirectDelay(entry, retry);
    if (delay === "too long") return here;
    if (delay === undefined) return { end: { outcome: "error", error: "InvalidHeader" } };
    const moved = { request: this.#moved(request, entry, retry), retry: next, onRedirect: next };
    return { next: { ...moved, history: [...before, [null, status, true]] }, sleep: delay };
  }

  #redirectDelay({ retry_after }: ScriptEntry, retry: Retry): number | "too long" | undefined {
    const waits = this.#rules.has("redirect-delay")
      ? retry.respectRetryAfterHeader
      : this.#vector.level === "pool";
    return waits && retry_after ? this.#delay(retry_after, retry) : 0;
  }

  /** `onward` is the target of the response when its retries are used up. */
  #answer(state: State, entry: ScriptEntry, onward: string | undefined): Step {
    const { status = 0, location, retry_after } = entry;
    const { retry, request, history } = state;
    const { method, target: url } = request;
    const here: Step = { end: { outcome: "response", status, history } };
    if (!this.#isListed(state, entry)) return here;
    const moves = location !== undefined && redirects.has(status) && !this.#rules.has("redirect-as-status");
    const redirectLocation = moves ? location : null;
    const next = counting(() => retry.increment({ method, url, response: { status, redirectLocation } }));
    if (!(next instanceof Retry)) {
      if (retry.raiseOnStatus) return { end: refused(next) };
      return onward === undefined ? here : this.#redirect(state, entry, onward);
    }
    const delay = retry.respectRetryAfterHeader && retry_after ? this.#delay(retry_after, retry) : 0;
    if (delay === "too long") return here;
    if (delay === undefined) return { end: { outcome: "error", error: "InvalidHeader" } };
    const after: State = { ...state, retry: next, history: [...history, [null, status, moves]] };
    return { next: after, sleep: delay > 0 ? delay : next.getBackoffTime(() => 0) };
  }

  #delay(value: string, retry: Retry): number | "too long" | undefined {
    const readable = /^\d+$|GMT$/.test(value.trim());
    if (!readable && !this.#rules.has("unparsable-delay")) return undefined;
    const asked = parseRetryAfter(value, this.#now)?.delay ?? 0;
    if (asked <= retry.retryAfterMax) return asked;
    return this.#rules.has("patience") ? "too long" : retry.retryAfterMax;
  }

  #moved(request: Sent, { status = 0, location = "" }: ScriptEntry, retry: Retry): Sent {
    const resolves = this.#vector.level === "manager" || this.#rules.has("relative-location");
    const target = resolves
      ? withPort(new URL(location, request.target))
      : location.startsWith("/")
        ? `http://a.test:80${location}`
        : location;
    const method = this.#methodAfter(request.method, status);
    const bare = status === 303 || method !== request.method;
    const kept = bare ? request.headers.filter((name) => !bodyHeaders.has(name)) : request.headers;
    const removed = this.#removed({ from: request.target, to: target, retry });
    const spent =
      this.#vector.level === "manager" && this.#vector.body === "file" && !this.#rules.has("body-rewound");
    return {
      method,
      target,
      headers: kept.filter((name) => !removed.has(name)),
      body: bare ? null : spent ? "" : request.body,
    };
  }

  #methodAfter(method: string, status: number): string {
    if (!this.#rules.has("method-after-redirect")) return status === 303 ? "GET" : method;
    if (status === 301) return method === "POST" ? "GET" : method;
    return (status === 302 || status === 303) && method !== "HEAD" ? "GET" : method;
  }

  #removed({
    from,
    to,
    retry,
  }: {
    readonly from: string;
    readonly to: string;
    readonly retry: Retry;
  }): ReadonlySet<string> {
    const base = URL.canParse(from) ? from : "http://a.test:80/";
    if (!this.#rules.has("credentials-kept")) {
      const same = URL.canParse(to) && new URL(to).origin === new URL(base).origin;
      return same ? new Set() : retry.removeHeadersOnRedirect;
    }
    const leaves = leavesOrigin(new URL(base), new URL(to, base));
    return leaves
      ? new Set([...credentialHeaders, "x-api-secret", ...retry.removeHeadersOnRedirect])
      : new Set();
  }
}

function counting(count: () => Retry): unknown {
  try {
    return count();
  } catch (error) {
    return error;
  }
}

function refused(error: unknown): Ending {
  const cause = error instanceof RetryError ? error.cause : error;
  if (!(cause instanceof ResponseError)) throw error;
  return { outcome: "error", error: "ResponseError", message: cause.message };
}

function rowOf({ status, redirectLocation }: Retry["history"][number]): Row {
  return [null, status, redirectLocation !== null];
}

/** Formats a URL as in the vectors, with its port. */
export function withPort(url: URL): string {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return `${url.protocol}//${url.hostname}:${port}${url.pathname}${url.search}`;
}
