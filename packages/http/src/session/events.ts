import { DeadlineExceededError, type Clock, type Duration, type Random } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import { usualMethod } from "../call/build-request.ts";
import type { StreamRequestOptions } from "../call/options.ts";
import { LineTooLongError, TransportError } from "../errors/transport-errors.ts";
import { isContentType, mergeHeaders, type HeadersInit } from "../model/headers.ts";
import { splitLines } from "../model/lines.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { isFieldValue } from "../support/validate.ts";
import { EventStreamError } from "./errors.ts";

/** A server-sent event (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  /** The name of the event. @default "message" */
  readonly event: string;
  readonly data: string;
  /** The last event ID that the server has set: with this event, or before. Empty if it has set none. */
  readonly id: string;
}

/** When a stream of events connects again. */
export type Reconnect = "always" | "cut" | "never";

/** The options of `session.events`. */
export interface EventsOptions extends Omit<StreamRequestOptions, "stream"> {
  /** Method of the request. @default "GET", or "POST" with `json`, `form` or `body` */
  readonly method?: string;
  /**
   * When to connect again: `"always"`, after a connection that broke and after a stream that the server ended; `"cut"`, only
   * after a connection that broke; or `"never"`.
   * @default "always" for GET; "cut" for another method with `idempotencyKey`; otherwise "never"
   */
  readonly reconnect?: Reconnect;
  /** Wait before connecting again, until the server sets another with `retry`. Doubles, up to 30 s, while no event arrives. @default "1s" */
  readonly reconnectDelay?: Duration;
  /** Event ID to begin after, for a server that can continue. Sent as Last-Event-ID. @default none */
  readonly lastEventId?: string;
  /** Longest event in characters. A longer one throws a LineTooLongError. @default 16,777,216 */
  readonly maxLength?: number;
}

/** Opens the connections of an event stream. */
export interface EventSource {
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds until the whole stream must have ended. */
  readonly total: number;
  open(options: StreamRequestOptions): Promise<StreamedResponse>;
}

/** Longest event ID of a server, in characters. The next request has it in its head. */
const maxIdLength = 4_096;
const defaultMaxLength = 16 * 1024 * 1024;
/** The wait does not grow beyond this by itself, in milliseconds. */
const longestDelay = 30_000;
/** A server that sets `retry: 0` and ends each stream at once must not be asked in a loop without a wait. */
const shortestDelay = 100;
/** Longest `retry` of a server to accept. */
const longestRetry = 3_600_000;

/** Returns the events of a stream as they arrive, and connects again when it breaks off. */
export async function* events(
  source: EventSource,
  options: EventsOptions,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const { reconnect = defaultReconnect(options), reconnectDelay = "1s", ...others } = options;
  const { method: _sentBySource, lastEventId = "", maxLength = defaultMaxLength, ...request } = others;
  const { clock, random, total } = source;
  const deadline = clock.now() + total;
  const stream = new EventStream(lastEventId, toMs(reconnectDelay));
  for (;;) {
    const own = streamRequest(request, stream.lastEventId, deadline - clock.now());
    const response = await source.open(own);
    if (response.status === 204) return response.cancel();
    requireEvents(response);
    const ending = yield* readToEnd(stream, response, maxLength);
    if (isLast(ending, reconnect)) return;
    const delay = stream.nextDelay(random);
    if (clock.now() + delay >= deadline) throw new DeadlineExceededError(total);
    await clock.sleep(delay, request.signal ?? undefined);
  }
}

/** How a connection ended: by the server, or by an error after which connecting again helps. */
type Ending = "end" | { readonly error: TransportError };

/** Returns whether no connection follows. Throws the error of the last one, if there is one. */
function isLast(ending: Ending, reconnect: Reconnect): boolean {
  if (ending !== "end" && reconnect === "never") throw ending.error;
  return ending === "end" && reconnect !== "always";
}

/** Returns the events of one connection, and how it ended. */
async function* readToEnd(
  stream: EventStream,
  response: StreamedResponse,
  maxLength: number,
): AsyncGenerator<ServerSentEvent, Ending, undefined> {
  try {
    yield* stream.read(response, maxLength);
    return "end";
  } catch (error) {
    if (error instanceof TransportError) return { error };
    throw error;
  } finally {
    response.cancel();
  }
}

function defaultReconnect(options: EventsOptions): Reconnect {
  const { idempotencyKey } = options;
  if (usualMethod(options).toUpperCase() === "GET") return "always";
  return idempotencyKey === undefined ? "never" : "cut";
}

function streamRequest(
  { headers, ...options }: Omit<StreamRequestOptions, "stream">,
  lastEventId: string,
  left: number,
): StreamRequestOptions {
  const own: HeadersInit = { accept: "text/event-stream", "cache-control": "no-store" };
  const field = Buffer.from(lastEventId, "utf8").toString("latin1");
  const id: HeadersInit = field !== "" && isFieldValue(field) ? { "last-event-id": field } : {};
  return {
    ...options,
    ...(left < Infinity && { timeout: withTotal(options.timeout, left) }),
    headers: { ...mergeHeaders(mergeHeaders({}, own), headers), ...id },
    stream: true,
  };
}

function withTotal(
  timeout: StreamRequestOptions["timeout"],
  total: number,
): NonNullable<StreamRequestOptions["timeout"]> {
  return typeof timeout === "object" ? { ...timeout, total } : { total };
}

function requireEvents(response: StreamedResponse): void {
  response.raiseForStatus();
  const type = response.headers.get("content-type");
  if (isContentType(type, /^text\/event-stream$/)) return;
  response.cancel();
  throw new EventStreamError(
    `${response.url} responded with ${type ?? "no Content-Type"}, not with text/event-stream`,
    response,
  );
}

/** The state that one stream of events keeps over its connections. */
class EventStream {
  lastEventId: string;
  #delay: number;
  /** Connections in a row without an event. */
  #silent = 0;

  constructor(lastEventId: string, delay: number) {
    this.lastEventId = lastEventId;
    this.#delay = delay;
  }

  /** Returns the events of one connection. An event that was cut is dropped. */
  async *read(
    { url, body }: StreamedResponse,
    maxLength: number,
  ): AsyncGenerator<ServerSentEvent, void, undefined> {
    const block = new EventBlock(maxLength);
    this.#silent += 1;
    // Event streams are UTF-8, whatever Content-Type says.
    for await (const { text, isEnded } of splitLines(
      { url, body, type: null },
      { maxLength, breaks: "any" },
    )) {
      if (!isEnded) return;
      if (text !== "") block.add(text);
      else {
        const { event, data, id, retry } = block.take();
        this.lastEventId = id ?? this.lastEventId;
        this.#delay = retry ?? this.#delay;
        if (data === undefined) continue;
        this.#silent = 0;
        yield { event: event || "message", data, id: this.lastEventId };
      }
    }
  }

  /** Returns the wait before the next connection: at least that of the server, at most half as long again. */
  nextDelay(random: Random): number {
    const doublings = Math.max(0, this.#silent - 1);
    const grown = Math.min(longestDelay, Math.max(this.#delay, shortestDelay) * 2 ** doublings);
    return Math.max(this.#delay, grown) * (1 + random() / 2);
  }
}

/** The fields of an event. */
interface EventFields {
  readonly event?: string;
  readonly data?: string;
  readonly id?: string;
  /** In milliseconds. */
  readonly retry?: number;
}

function isId(value: string): boolean {
  return value.length <= maxIdLength && !value.includes("\0");
}

/** Returns a copy. A slice keeps everything that arrived with it, such as 64 KB of comments. */
function copyText(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

/** The lines of an event up to the blank line that ends it (WHATWG HTML §9.2.6). */
class EventBlock {
  readonly #maxLength: number;
  #fields: EventFields = {};
  #data: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** @throws LineTooLongError */
  add(line: string): void {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value =
      colon === -1 ? "" : copyText(line.slice(line.startsWith(" ", colon + 1) ? colon + 2 : colon + 1));
    if (name === "data") this.#addData(value);
    else if (name === "event") this.#fields = { ...this.#fields, event: value };
    else if (name === "id" && isId(value)) this.#fields = { ...this.#fields, id: value };
    else if (name === "retry" && /^\d+$/.test(value))
      this.#fields = { ...this.#fields, retry: Math.min(Number(value), longestRetry) };
  }

  /** Returns the event, and begins the next one. */
  take(): EventFields {
    const fields = this.#data.length === 0 ? this.#fields : { ...this.#fields, data: this.#data.join("\n") };
    this.#fields = {};
    this.#data = [];
    this.#length = 0;
    return fields;
  }

  #addData(value: string): void {
    this.#length += value.length + 1;
    if (this.#length > this.#maxLength) throw new LineTooLongError(this.#maxLength);
    this.#data.push(value);
  }
}
