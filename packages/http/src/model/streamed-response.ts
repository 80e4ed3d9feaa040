import type { BodySource } from "./body-source.ts";
import type { Readable } from "node:stream";
import { BodyReader } from "./body-reader.ts";
import { BodyStream } from "./body-stream.ts";
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
  /** Whether the body may be left unread, so that the garbage collector has to end it. @default true */
  readonly mayBeAbandoned?: boolean | undefined;
}

const noBytes = new Uint8Array(0);

// The class assigns these functions, since only code inside it reaches private fields: users see neither.

let readerOf: (response: StreamedResponse) => BodyReader;
let previewOf: (response: StreamedResponse) => Uint8Array | undefined;

/**
 * A response with a complete head and a body that is still arriving. `elapsed` is the time to its head.
 *
 * An unread body holds its connection until it is read, cancelled or garbage-collected, or the session is closed. Read it,
 * or write `await using response = ...`.
 */
export class StreamedResponse extends HttpResponse implements AsyncDisposable {
  readonly #preview: Uint8Array | undefined;
  readonly #reader: BodyReader;
  #body: BodyStream | undefined;

  constructor({ body, preview, mayBeAbandoned, ...head }: StreamedResponseInit) {
    super({ ...head, content: noBytes });
    this.#preview = preview;
    this.#reader = new BodyReader(
      body,
      async (interrupted) =>
        (await callOf(this).continueBody?.(this, interrupted)) ?? { error: interrupted.error },
      mayBeAbandoned,
    );
  }

  /** The body, decoded from its Content-Encoding. It can be read once. */
  get body(): BodyStream {
    // Hot path: a web stream costs a tenth of a short request, and `text()` and `lines()` need none.
    return (this.#body ??= new BodyStream(this.#reader));
  }

  /** @throws TypeError always: the body of a streamed response is not in memory. */
  override get content(): Uint8Array {
    throw new TypeError(
      "A streamed response has no content: read its body, or call bytes(), text() or json()",
    );
  }

  /** Returns the body as a stream of Node. `body` is a web stream. */
  readable(): Readable {
    return this.body.readable();
  }

  /**
   * Reads the body to its end and returns its bytes.
   *
   * @throws the error of the body, if it is incomplete or was already read.
   */
  override async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.#reader.claim().values()) addPiece(chunks, chunk);
    return chunks[0] !== undefined && chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  /** Reads the body to its end and returns it as text, in the charset that Content-Type names. @default UTF-8 */
  override async text(): Promise<string> {
    return decodeText(await this.bytes(), this.headers.get("content-type"));
  }

  override lines(options?: LineOptions): AsyncGenerator<string, void, undefined> {
    return readLines(
      { url: this.url, body: fromStart(this.#reader), type: this.headers.get("content-type") },
      options,
    );
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
      { url: this.url, body: fromStart(this.#reader), type: null },
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
    if (this.#body === undefined) this.#reader.cancel(reason);
    else this.#body.cancel(reason).catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
    return Promise.resolve();
  }

  static {
    readerOf = (response) => response.#reader;
    previewOf = (response) => response.#preview;
  }
}

/** Claims the body when its first byte is read, not when the generator is created. */
function fromStart(reader: BodyReader): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => reader.claim().values() };
}

/**
 * Takes the reader of a body, which continues a body that breaks off. Cheaper than `body`, which is a web stream.
 *
 * @throws TypeError if the body is already being read.
 */
export function claimReader(response: StreamedResponse): BodyReader {
  return readerOf(response).claim();
}

/** Has the reader of a body read from another source that begins with what the current one has. */
export function replaceBodySource<T extends BodySource>(
  response: StreamedResponse,
  replace: (source: BodySource) => T,
): T {
  return readerOf(response).replaceSource(replace);
}

/**
 * Takes the source of a body, for a reader that replaces the response. The body is over then.
 *
 * @throws TypeError if the body is already being read.
 */
export function releaseBodySource(response: StreamedResponse): BodySource {
  return readerOf(response).release();
}

/** Returns the body if it is known without reading it, otherwise undefined. */
export function previewBody(response: HttpResponse): Uint8Array | undefined {
  return response instanceof StreamedResponse ? previewOf(response) : contentInMemory(response);
}

/** Releases the connection of a body that is not needed. Undefined if the body is already in memory. */
export function discardBody(response: HttpResponse): Promise<void> | undefined {
  if (response instanceof StreamedResponse) return readerOf(response).discard();
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
    for await (const chunk of readerOf(response).claim().values()) {
      chunks.push(chunk.slice());
      length += chunk.length;
      if (length > maxErrorBytes) break;
    }
  } catch {
    // The status says more than a body that broke off.
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes);
}
