import { ChunkedBody } from "./chunked-body.ts";
import { MalformedResponse } from "./errors.ts";
import { bodyLength, chunkedLength, untilClose } from "./framing.ts";
import { parseHead, PartialHead, type ParsedHead } from "./head.ts";

/** Receives the parts of a response in order: interim heads, the final head, pieces of the body, the end. */
export interface ResponseSink {
  /** Called with the first byte of a head. */
  headStarted(): void;
  interimHead(head: ParsedHead): void;
  finalHead(head: ParsedHead): void;
  /** Called with a piece of the body: the bytes from `start` to `end`. */
  bodyPiece(bytes: Buffer, start: number, end: number): void;
  /** Called at the end of the response. `clean` is false when more bytes followed the end. */
  responseEnded(clean: boolean): void;
}

// Most heads are smaller. Decoding more text would decode the body too.
const typicalHeadBytes = 4_096;

// The states: ignoring input, reading a head, reading a body.
const [ignoring, inHead, inBody] = [0, 1, 2];

/** Parses HTTP/1.1 responses from bytes, however they are split. It does no I/O and stores at most one head. */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state = ignoring;
  /** Length of the bytes given to the current `read`. */
  #length = 0;
  #method = "";
  /** Bytes left of the body, or `chunkedLength`, or `untilClose`. */
  #bytesLeft = 0;
  #chunks: ChunkedBody | undefined;
  #partial: PartialHead | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Starts a response. `method` is the method of its request. */
  expectResponse(method: string): void {
    this.#method = method;
    this.#state = inHead;
  }

  /** Bytes left of the body; negative when the length is unknown. */
  get bytesLeft(): number {
    return this.#bytesLeft;
  }

  /** Ignores all further input. */
  stop(): void {
    this.#state = ignoring;
    this.#partial = undefined;
    this.#chunks = undefined;
  }

  /**
   * Parses the first `length` bytes of a buffer and calls the sink.
   *
   * @throws MalformedResponse. The parser must not be used afterwards.
   */
  read(bytes: Buffer, length: number): void {
    this.#length = length;
    let at = 0;
    while (at < length && this.#state === inHead) at = this.#readHead(bytes, at);
    while (at < length && this.#state === inBody) at = this.#readBody(bytes, at);
  }

  /** Handles the orderly end of the connection. Returns whether it completed a response. */
  endOfInput(): boolean {
    if (this.#state !== inBody || this.#bytesLeft !== untilClose) return false;
    this.#endResponse(true);
    return true;
  }

  #readHead(bytes: Buffer, at: number): number {
    if (this.#partial === undefined) {
      this.#sink.headStarted();
      // Hot path: a head that arrived in one piece is parsed in place.
      const text = bytes.toString("latin1", at, Math.min(at + typicalHeadBytes, this.#length));
      const found = text.startsWith("HTTP/1.") ? parseHead(text) : undefined;
      if (found !== undefined) return this.#receiveHead(found, at + found.size);
    }
    this.#partial ??= new PartialHead();
    const next = this.#partial.read(bytes, at, this.#length);
    if (next === undefined) return this.#length;
    const found = this.#partial.head();
    this.#partial = undefined;
    return this.#receiveHead(found, next);
  }

  #receiveHead(found: ParsedHead, at: number): number {
    if (found.status < 200) {
      if (found.status === 101)
        throw new MalformedResponse("101 Switching Protocols, which the request did not ask for");
      this.#sink.interimHead(found);
      return at;
    }
    this.#bytesLeft = bodyLength(found, this.#method);
    this.#state = inBody;
    if (this.#bytesLeft === chunkedLength) this.#chunks = new ChunkedBody();
    this.#sink.finalHead(found);
    if (this.#bytesLeft === 0 && this.#state === inBody) this.#endResponse(at === this.#length);
    return at;
  }

  #readBody(bytes: Buffer, at: number): number {
    if (this.#chunks !== undefined) return this.#readChunk(this.#chunks, bytes, at);
    if (this.#bytesLeft === untilClose) {
      this.#sink.bodyPiece(bytes, at, this.#length);
      return this.#length;
    }
    const end = Math.min(this.#length, at + this.#bytesLeft);
    this.#bytesLeft -= end - at;
    this.#sink.bodyPiece(bytes, at, end);
    if (this.#bytesLeft === 0 && this.#state === inBody) this.#endResponse(end === this.#length);
    return end;
  }

  #readChunk(chunks: ChunkedBody, bytes: Buffer, at: number): number {
    const start = chunks.readLines(bytes, at, this.#length);
    const end = start + chunks.readData(this.#length - start);
    if (end > start) this.#sink.bodyPiece(bytes, start, end);
    if (chunks.done && this.#state === inBody) this.#endResponse(end === this.#length);
    return end;
  }

  #endResponse(clean: boolean): void {
    this.stop();
    this.#sink.responseEnded(clean);
  }
}
