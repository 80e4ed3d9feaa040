import { RateLimitedError } from "@holdfast/policy";
import type { RequestDefaults } from "../call/build-request.ts";
import type { CallRunner } from "../call/call-runner.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import { claimReader, StreamedResponse } from "../model/streamed-response.ts";
import type { DispatchHandler, DispatchOptions } from "./contract.ts";
import { NestedRetries } from "./nested-retries.ts";
import { rateLimitResponse } from "./rate-limit-response.ts";
import { receiverFor, type Receiver } from "./receiver.ts";
import { toEngineRequest, type DispatchContext } from "./request.ts";
import { dispatchUpgrade } from "./upgrade.ts";

/** The parts of a session that send the requests of a dispatcher. */
export interface Engine {
  readonly runner: CallRunner;
  /** What the session adds to each request, without the headers that every session has. */
  readonly defaults: RequestDefaults;
  readonly options: SessionOptions;
  /** @throws SessionClosedError */
  checkOpen(): void;
}

/** What a fetch knows about its request. */
export type KnownRequest = Partial<DispatchContext>;

/**
 * Sends a request of a dispatcher through the engine: with retries and rate limits, as one call. The handler, in either form,
 * receives the last response as it was sent.
 */
export function dispatchThrough(
  engine: Engine,
  [options, handler]: readonly [DispatchOptions, DispatchHandler],
  known: KnownRequest = {},
): boolean {
  const receiver = receiverFor(handler);
  const ended = new AbortController();
  if (!receiver.start((reason) => ended.abort(reason))) return true;
  if (options.upgrade) {
    dispatchUpgrade(options, { receiver, signal: ended.signal });
    return true;
  }
  void send(engine, options, { receiver, signal: ended.signal, known });
  return true;
}

interface Exchange {
  readonly receiver: Receiver;
  readonly signal: AbortSignal;
  readonly known: KnownRequest;
}

async function send(engine: Engine, options: DispatchOptions, exchange: Exchange): Promise<void> {
  const { receiver, signal, known } = exchange;
  let nested: NestedRetries | undefined;
  let request: HttpRequest | undefined;
  try {
    engine.checkOpen();
    const prepared = toEngineRequest(options, { defaults: engine.defaults, ...known });
    nested = nestedRetriesOf(engine);
    request = prepared.request;
    nested?.check(request.headers);
    const response = await engine.runner.open(prepared, { ...limitsOf(options), signal });
    if (response.status >= 400) nested?.recordFailure(request.headers);
    await passResponse(response, receiver);
  } catch (error) {
    if (request !== undefined) nested?.recordFailure(request.headers);
    if (error instanceof RateLimitedError) passRateLimit(error, receiver);
    else receiver.fail(error);
  }
}

const nestedRetries = new WeakMap<CallRunner, NestedRetries>();

/** Returns the detector of a session that retries. */
function nestedRetriesOf({ runner }: Engine): NestedRetries | undefined {
  if (!runner.retries) return undefined;
  const known = nestedRetries.get(runner);
  if (known !== undefined) return known;
  const created = new NestedRetries();
  nestedRetries.set(runner, created);
  return created;
}

/** Passes a response on as it arrives, no faster than the handler takes it. */
async function passResponse(response: HttpResponse, receiver: Receiver): Promise<void> {
  if (!(response instanceof StreamedResponse))
    throw new TypeError("The response of a dispatch must be streamed");
  const { status, statusText, headers } = response;
  const reader = claimReader(response);
  try {
    let goesOn = receiver.head({ status, statusText, headers: headers.toJSON() });
    while (goesOn) {
      if (receiver.paused) await receiver.whenResumed();
      // What has arrived is passed on immediately: a fetch that sends again after a 421 gives up a body that is still coming.
      const taken = reader.takeArrived();
      const piece = taken === undefined ? (await reader.next()).value : taken;
      if (piece === undefined || piece === null) return receiver.end();
      goesOn = receiver.data(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    }
  } finally {
    // Does nothing after the end of the body.
    reader.cancel(receiver.reason);
  }
}

/** Passes the response on that closed the rate limit because of which nothing was sent, with the wait that is left. */
function passRateLimit(error: RateLimitedError, receiver: Receiver): void {
  const { head, content } = rateLimitResponse(error);
  if (!receiver.head(head)) return;
  if (content.length === 0 || receiver.data(content)) receiver.end();
}

/** The limits that the options of undici set, in place of those of the session. */
function limitsOf({ headersTimeout, bodyTimeout, maxRedirections }: DispatchOptions): RequestOptions {
  const maxRedirects = maxRedirections ?? 0;
  const given = [headersTimeout, bodyTimeout].filter((limit) => typeof limit === "number");
  if (given.length === 0) return { maxRedirects };
  // One limit of the engine stands for both. 0 is no limit.
  const read = Math.max(...given.map((limit) => (limit > 0 ? limit : Infinity)));
  return { maxRedirects, timeout: { read } };
}
