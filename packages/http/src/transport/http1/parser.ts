import { ChunkedBody } from "./chunked-body.ts";
import { MalformedResponse } from "./errors.ts";
import { bodyLength, chunkedLength, untilClose } from "./framing.ts";
import { parseHead, type ParsedHead } from "./head.ts";
import { PartialHead } from "./partial-head.ts";

/** Hears what an answer consists of, in this order: interim heads, the head, pieces of the body, the end. */
export interface ResponseSink {
  /** The first byte of a head has come. */
  headStarted(): void;
  interimHead(head: ParsedHead): void;
  finalHead(head: ParsedHead): void;
  /** A part of the body lies in `bytes` from `start` to `end`. */
  bodyPiece(bytes: Buffer, start: number, end: number): void;
  /** `clean` says that nothing came behind the end. */
  responseEnded(clean: boolean): void;
}

// Most heads are smaller; decoding more would be decoding the body.
const typicalHeadBytes = 4_096;

// What is read now.
const [nothing, head, body] = [0, 1, 2];

/** Reads answers in HTTP/1.1 from bytes, however they are cut. It does no I/O, and holds no more than one head. */
export class ResponseParser {
  readonly #sink: ResponseSink;
  #state = nothing;
  /** Of the bytes that are read now. */
  #length = 0;
  #method = "";
  /** Of the body: bytes, `inChunks` or `untilClose`. */
  #left = 0;
  #chunks: ChunkedBody | undefined;
  #partial: PartialHead | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Says what was asked: what comes next is the answer to it. */
  expectResponse(method: string): void {
    this.#method = method;
    this.#state = head;
  }

  /** How much of a body is still to come, in bytes; negative where that is not known. */
  get bytesLeft(): number {
    return this.#left;
  }

  /** Takes no notice of anything more. */
  stop(): void {
    this.#state = nothing;
    this.#partial = undefined;
    this.#chunks = undefined;
  }

  /**
   * Reads bytes, the first `length` of the buffer, and tells the sink of them.
   *
   * @throws MalformedAnswer; nothing more may be read then.
   */
  read(bytes: Buffer, length: number): void {
    this.#length = length;
    let at = 0;
    while (at < length && this.#state === head) at = this.#readHead(bytes, at);
    while (at < length && this.#state === body) at = this.#readBody(bytes, at);
  }

  /** Takes note that the connection has ended in order, and says whether that was the end of an answer. */
  endOfInput(): boolean {
    if (this.#state !== body || this.#left !== untilClose) return false;
    this.#end(true);
    return true;
  }

  #readHead(bytes: Buffer, at: number): number {
    if (this.#partial === undefined) {
      this.#sink.headStarted();
      // Hot path: a head that came in one piece is read where it is.
      const text = bytes.toString("latin1", at, Math.min(at + typicalHeadBytes, this.#length));
      const found = text.startsWith("HTTP/1.") ? parseHead(text) : undefined;
      if (found !== undefined) return this.#open(found, at + found.size);
    }
    this.#partial ??= new PartialHead();
    const next = this.#partial.read(bytes, at, this.#length);
    if (next === undefined) return this.#length;
    const found = this.#partial.head();
    this.#partial = undefined;
    return this.#open(found, next);
  }

  #open(found: ParsedHead, at: number): number {
    if (found.status < 200) {
      if (found.status === 101)
        throw new MalformedResponse("101 Switching Protocols without having been asked");
      this.#sink.interimHead(found);
      return at;
    }
    this.#left = bodyLength(found, this.#method);
    this.#state = body;
    if (this.#left === chunkedLength) this.#chunks = new ChunkedBody();
    this.#sink.finalHead(found);
    if (this.#left === 0 && this.#state === body) this.#end(at === this.#length);
    return at;
  }

  #readBody(bytes: Buffer, at: number): number {
    if (this.#chunks !== undefined) return this.#readChunk(this.#chunks, bytes, at);
    if (this.#left === untilClose) {
      this.#sink.bodyPiece(bytes, at, this.#length);
      return this.#length;
    }
    const end = Math.min(this.#length, at + this.#left);
    this.#left -= end - at;
    this.#sink.bodyPiece(bytes, at, end);
    if (this.#left === 0 && this.#state === body) this.#end(end === this.#length);
    return end;
  }

  #readChunk(chunks: ChunkedBody, bytes: Buffer, at: number): number {
    const start = chunks.readLines(bytes, at, this.#length);
    const end = start + chunks.readData(this.#length - start);
    if (end > start) this.#sink.bodyPiece(bytes, start, end);
    if (chunks.done && this.#state === body) this.#end(end === this.#length);
    return end;
  }

  #end(clean: boolean): void {
    this.stop();
    this.#sink.responseEnded(clean);
  }
}
