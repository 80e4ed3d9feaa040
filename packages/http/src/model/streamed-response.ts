import type { BodySource } from "./body-source.ts";
import { BodyStream, discardBodyStream } from "./body-stream.ts";
import {
  callOf,
  contentInMemory,
  attachCall,
  HttpResponse,
  setHistory,
  setVerdict,
  StatusError,
  unreadBodyOf,
  validatorOf,
  type HttpResponseInit,
} from "./response.ts";
import { readJsonLines, readLines, type LineOptions } from "./lines.ts";
import { addPiece } from "../support/pieces.ts";
import type { StandardSchema } from "./schema.ts";
import { decodeText } from "./headers.ts";

/** The fields from which a streamed response is built. */
export interface StreamedResponseInit extends Omit<HttpResponseInit, "content"> {
  /** Decoded from its Content-Encoding. */
  readonly body: BodySource;
  /** The complete body, if it was read ahead. `body` returns it again. */
  readonly preview?: Uint8Array | undefined;
}

const noBytes = new Uint8Array(0);

let previewOf: (response: StreamedResponse) => Uint8Array | undefined;

/**
 * A response with a complete head and a body that is still arriving. `elapsed` is the time to its head.
 *
 * An unread body holds its connection until it is read, cancelled or garbage-collected, or the session is closed. Read it,
 * or write `await using response = ...`.
 */
export class StreamedResponse extends HttpResponse implements AsyncDisposable {
  /** The body, decoded from its Content-Encoding. It can be read once. */
  readonly body: BodyStream;
  readonly #preview: Uint8Array | undefined;

  constructor({ body, preview, ...head }: StreamedResponseInit) {
    super({ ...head, content: noBytes });
    this.#preview = preview;
    this.body = new BodyStream(
      body,
      async (interrupted) =>
        (await callOf(this).continueBody?.(this, interrupted)) ?? { error: interrupted.error },
    );
  }

  /** @throws TypeError always: the body of a streamed response is not in memory. */
  override get content(): Uint8Array {
    throw new TypeError(
      "A streamed response has no content: read its body, or call bytes(), text() or json()",
    );
  }

  /** Returns the body as a web stream. */
  readable(): ReadableStream<Uint8Array> {
    return this.body.readable();
  }

  /**
   * Reads the body to its end and returns its bytes.
   *
   * @throws the error of the body, if it is incomplete or was already read.
   */
  override async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.body) addPiece(chunks, chunk);
    return chunks[0] !== undefined && chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  /** Reads the body to its end and returns it as text, in the charset that Content-Type names. @default UTF-8 */
  override async text(): Promise<string> {
    return decodeText(await this.bytes(), this.headers.get("content-type"));
  }

  override lines(options?: LineOptions): AsyncGenerator<string, void, undefined> {
    return readLines({ url: this.url, body: this.body, type: this.headers.get("content-type") }, options);
  }

  override jsonLines<T = unknown>(
    schema?: StandardSchema<T>,
    options?: LineOptions,
  ): AsyncGenerator<T, void, undefined>;
  override jsonLines(
    schema?: StandardSchema,
    options?: LineOptions,
  ): AsyncGenerator<unknown, void, undefined> {
    return readJsonLines(
      { url: this.url, body: this.body, type: null },
      { ...options, validate: validatorOf(schema, this) },
    );
  }

  /**
   * Returns the response if its verdict is success.
   *
   * @throws StatusError otherwise, with the response.
   */
  override raiseForStatus(): this {
    if (this.verdict.kind !== "success") throw new StatusError(this, { body: this.#preview });
    return this;
  }

  /** Stops reading the body and closes its connection. Does nothing after the end of the body. */
  cancel(reason?: unknown): void {
    this.body.cancel(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  static {
    previewOf = (response) => response.#preview;
  }
}

/** Returns the body if it is known without reading it, otherwise undefined. */
export function previewBody(response: HttpResponse): Uint8Array | undefined {
  return response instanceof StreamedResponse ? previewOf(response) : contentInMemory(response);
}

/** Releases the connection of a body that is not needed. Undefined if the body is already in memory. */
export function discardBody(response: HttpResponse): Promise<void> | undefined {
  if (response instanceof StreamedResponse) return discardBodyStream(response.body);
  unreadBodyOf(response)?.discard();
  return undefined;
}

// An explanation is short. The rest of a longer body is not read.
const maxErrorBytes = 1_048_576;

/** Returns the error for a response. The body of a streamed response is read into memory, up to 1 MiB, as that of a buffered one. */
export async function toStatusError(response: HttpResponse): Promise<StatusError> {
  if (!(response instanceof StreamedResponse)) return new StatusError(response);
  const { status, statusText, url, headers, verdict, history } = response;
  const content = await readBeginning(response);
  const buffered = new HttpResponse({ status, statusText, url, headers: headers.toJSON(), content });
  attachCall(buffered, callOf(response));
  setVerdict(buffered, verdict);
  setHistory(buffered, history);
  return new StatusError(buffered);
}

async function readBeginning(response: StreamedResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body) {
      chunks.push(chunk.slice());
      length += chunk.length;
      if (length > maxErrorBytes) break;
    }
  } catch {
    // The status says more than a body that broke off.
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes);
}
