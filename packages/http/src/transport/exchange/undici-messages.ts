import type { Socket } from "node:net";
import { requestTarget } from "../../model/request.ts";
import type { RawResponse, WireRequest } from "../wire/messages.ts";
import { undiciChannels } from "./undici-channels.ts";

/** The request in each message, with the fields that undici documents. Subscribers use the object as the key of the request. */
class UndiciRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly idempotent: boolean;
  /** Names and values in turn. Subscribers of `undici:request:create` may append to it. */
  readonly headers: string[] = [];
  /** Null without a body. The content of a body is not published. */
  readonly body: object | null;
  /** Whether the whole response has arrived. */
  completed = false;
  aborted = false;

  constructor({ url, method, headers, body, idempotent }: WireRequest) {
    this.origin = url.origin;
    this.path = requestTarget(url);
    this.method = method;
    this.idempotent = idempotent;
    this.body = body.kind === "none" ? null : { kind: body.kind };
    for (const [name, value] of Object.entries(headers)) this.addHeader(name, value);
  }

  /** Adds a header to the request on the wire, if called by a subscriber of `undici:request:create`. */
  addHeader(name: string, value: unknown): this {
    for (const line of Array.isArray(value) ? value : [value]) this.headers.push(name, String(line));
    return this;
  }
}

/** Publishes one request as undici publishes its own. */
export class UndiciMessages {
  /** The headers of the request, with those that subscribers added. */
  readonly headers: WireRequest["headers"];
  readonly #request: UndiciRequest;

  /** Publishes `undici:request:create`. */
  constructor(request: WireRequest) {
    const published = new UndiciRequest(request);
    const own = published.headers.length;
    this.#request = published;
    undiciChannels.create.publish({ request: published });
    this.headers =
      published.headers.length > own ? withAdded(request.headers, published.headers, own) : request.headers;
  }

  sendHeaders(socket: Socket): void {
    const { method, path, headers } = this.#request;
    let text = `${method} ${path} HTTP/1.1\r\n`;
    for (let index = 1; index < headers.length; index += 2)
      text += `${headers[index - 1]}: ${headers[index]}\r\n`;
    undiciChannels.sendHeaders.publish({ request: this.#request, headers: text, socket });
  }

  responseStarted(statusCode: number, fields: RawResponse["headers"], statusText: string): void {
    if (!undiciChannels.headers.hasSubscribers) return;
    const headers: Buffer[] = [];
    for (const [name, value] of Object.entries(fields))
      for (const line of typeof value === "string" ? [value] : (value ?? []))
        headers.push(Buffer.from(name, "latin1"), Buffer.from(line, "latin1"));
    const response = { statusCode, statusText, headers };
    undiciChannels.headers.publish({ request: this.#request, response });
  }

  completed(): void {
    this.#request.completed = true;
    undiciChannels.trailers.publish({ request: this.#request, trailers: [] });
  }

  failed(reason: unknown): void {
    this.#request.aborted = true;
    // Subscribers read the name and the code of the error, and the reason of a signal may be any value.
    const error =
      reason instanceof Error ? reason : new DOMException("The request was aborted", "AbortError");
    undiciChannels.error.publish({ request: this.#request, error });
  }
}

/** Returns headers with the fields of a list from a place on. A repeated name has a list of values. */
function withAdded(
  headers: WireRequest["headers"],
  fields: readonly string[],
  from: number,
): WireRequest["headers"] {
  const result: Record<string, string | string[]> = { ...headers };
  for (let index = from + 1; index < fields.length; index += 2) {
    const [name, value] = [String(fields[index - 1]).toLowerCase(), String(fields[index])];
    const before = Object.hasOwn(result, name) ? result[name] : undefined;
    result[name] = before === undefined ? value : [before, value].flat();
  }
  return result;
}
