import { systemClock } from "@holdfast/policy";
import type { SessionOptions } from "../call/options.ts";
import { sendForIncoming, type IncomingResponse } from "../dispatch/incoming.ts";
import { elsewhere } from "../dispatch/fetch.ts";
import type { Engine } from "../dispatch/engine.ts";
import { ConnectionError } from "../errors/transport-errors.ts";
import { toFetchSession } from "../session/create-fetch.ts";
import { engineOf, type Session } from "../session/session.ts";
import { startLimit } from "../support/limit-timer.ts";
import { kind, refuse } from "../support/validate.ts";
import { refuseOptions, type GotOptions } from "./options.ts";

/** An instance of got 12 or later: `got` itself, or one that `got.extend` returned. */
export interface GotInstance {
  // oxlint-disable-next-line typescript/no-explicit-any -- The options of got are no types of this package.
  extend(...options: any[]): unknown;
}

type Hook = (options: GotOptions, context: object) => unknown;

const gotCheck = kind({
  wanted: "an instance of got",
  fits: (value) => typeof value === "function" && "extend" in value && typeof value.extend === "function",
});

/**
 * Returns an instance of got that sends its requests through a session: with its retries, rate limits and connections, in place of got's
 * retries and transport. Hooks, redirects, streams and errors stay those of got. The given instance is not changed.
 *
 * ```ts
 * const client = attach(got, { retry: 5 });
 * ```
 *
 * Options that belong to got's own transport, such as `agent`, reject the request with their name. A body that is piped into a stream is sent
 * by got itself, once.
 *
 * @throws TypeError or RangeError for a wrong instance or option.
 */
export function attach<Instance extends GotInstance>(
  got: Instance,
  options: SessionOptions | Session = {},
): Instance {
  refuse("attach", gotCheck(got));
  const engine = engineOf(toFetchSession(options));
  /** The options of requests that a redirect sent to another origin than the first. */
  const elsewhereOptions = new WeakSet<object>();
  const beforeRedirect = (updated: GotOptions, response: { readonly requestUrl: URL }): void => {
    if (updated.url?.origin !== response.requestUrl.origin) elsewhereOptions.add(updated);
  };
  const beforeRequest: Hook = async (sent, context) => {
    refuseOptions(sent);
    const replaced = await runLaterHooks(beforeRequest, sent, context);
    if (replaced !== undefined) return replaced;
    return isPiped(sent) ? undefined : send(engine, sent, elsewhereOptions.has(sent));
  };
  const changes = {
    retry: { limit: 0 },
    hooks: { beforeRequest: [beforeRequest], beforeRedirect: [beforeRedirect], beforeError: [nameTimeout] },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `extend` returns an instance of the same type.
  return got.extend(changes) as Instance;
}

/** Runs the hooks of a request that got would run after this one, if it gave no response. */
async function runLaterHooks(own: Hook, options: GotOptions, context: object): Promise<unknown> {
  const hooks = options.hooks.beforeRequest;
  for (const hook of hooks.slice(hooks.indexOf(own) + 1)) {
    const result: unknown = await hook(options, context);
    if (result !== undefined) return result;
  }
  return undefined;
}

const methodsWithBody: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH"]);

/** Whether the body is still to be written into the stream of the request. */
function isPiped({ isStream, body, method }: GotOptions): boolean {
  return isStream === true && body === undefined && methodsWithBody.has(method);
}

async function send(engine: Engine, options: GotOptions, isElsewhere: boolean): Promise<IncomingResponse> {
  const { url, method, headers, body, timeout } = options;
  if (url === undefined) throw new TypeError("The request needs a url");
  // A stream is read here. got would read it again.
  if (isStream(body)) options.body = undefined;
  const limited = limitTime(options.signal, timeout["request"]);
  const { signal } = limited;
  const request = {
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers: { ...headers },
    body,
    signal,
  };
  const defaults = isElsewhere ? elsewhere(engine) : engine.defaults;
  try {
    return await sendForIncoming(engine, request, { defaults });
  } catch (error) {
    throw toGotCause(error);
  } finally {
    limited.stop();
  }
}

function isStream(body: unknown): boolean {
  return (
    typeof body === "object" &&
    body !== null &&
    (Symbol.asyncIterator in body || Symbol.iterator in body) &&
    !ArrayBuffer.isView(body)
  );
}

/** Returns the signal of a request with its time limit, which got itself starts only when the response has arrived. */
function limitTime(
  signal: AbortSignal | undefined,
  limit: number | undefined,
): { readonly signal: AbortSignal | undefined; readonly stop: () => void } {
  if (typeof limit !== "number") return { signal, stop: () => undefined };
  const over = new AbortController();
  const stop = startLimit({ clock: systemClock, limit }, () =>
    over.abort(new RequestTimeout(`Timeout awaiting 'request' for ${limit}ms`)),
  );
  return { signal: signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]), stop };
}

/** Makes the error of a time limit look as got's own. Its class is not accessible from an instance of got. */
function nameTimeout(error: Error): Error {
  return error.cause instanceof RequestTimeout
    ? Object.assign(error, { name: "TimeoutError", event: "request" })
    : error;
}

/** The time limit of a request has passed. */
class RequestTimeout extends Error {
  readonly code = "ETIMEDOUT";
}

/** Returns the error with the code of the platform, such as ECONNREFUSED, which callers of got know. */
function toGotCause(error: unknown): unknown {
  return error instanceof ConnectionError
    ? Object.assign(new Error(error.message, { cause: error }), { code: error.errno })
    : error;
}
