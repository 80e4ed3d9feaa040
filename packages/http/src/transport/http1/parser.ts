import { ChunkedBody } from "./chunked-body.ts";
import { MalformedResponse } from "../errors/malformed-response.ts";
import { bodyLength, checkFraming, chunkedLength, untilClose } from "./framing.ts";
import { parseCleanHead, type ParsedHead } from "../wire/head.ts";
import { HeadReader, type HeadRules } from "../wire/head-reader.ts";

/** Receives the parts of a response in order: interim heads, the final head, pieces of the body, the end. */
export interface ResponseSink {
  /** Called with the first byte of a head. */
  headStarted(): void;
  interimHead(head: ParsedHead): void;
  finalHead(head: ParsedHead): void;
  /** Called with a piece of the body: the bytes from `start` to `end`. */
  bodyPiece(bytes: Buffer, start: number, end: number): void;
  /** Called at the end of the response. `clean` is false when more bytes followed the end, or the chunks had a slip. */
  responseEnded(clean: boolean): void;
}

// Most reads are smaller, and a search for the end of the head takes longer than decoding the start of a body with it.
const maxDecodedBytes = 4_096;
// The reader of lines bounds the number of fields, which a longer head needs.
const maxBytesAtOnce = 16_384;
const unrequestedUpgrade = "101 Switching Protocols, which the request did not ask for";
const headEnd = Buffer.from("\r\n\r\n");

// Node's limit of 16 KiB is less than some sites send in cookies and policies. Browsers stop at 256 KiB.
const maxKibibytes = 256;
const lenientRules: HeadRules = { maxKibibytes, strict: false };
const strictRules: HeadRules = { maxKibibytes, strict: true };

// The states: ignoring input, reading a head, reading a body.
const [ignoring, inHead, inBody] = [0, 1, 2];

/** Parses HTTP/1.1 responses from bytes, however they are split. It does no I/O and stores at most one head. */
export class ResponseParser {
  readonly #sink: ResponseSink;
  readonly #rules: HeadRules;
  #state = ignoring;
  /** Length of the bytes given to the current `read`. */
  #length = 0;
  #method = "";
  /** Bytes left of the body, or `chunkedLength`, or `untilClose`. */
  #bytesLeft = 0;
  #chunks: ChunkedBody | undefined;
  #reader: HeadReader | undefined;

  /** `strictHeaders` rejects a response with a malformed field, which is otherwise left out. */
  constructor(sink: ResponseSink, strictHeaders = false) {
    this.#sink = sink;
    this.#rules = strictHeaders ? strictRules : lenientRules;
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
    this.#reader = undefined;
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
    if (this.#reader === undefined) {
      this.#sink.headStarted();
      // Hot path: a clean head that arrived in one piece is parsed in place.
      const head = parseCleanHead(bytes.toString("latin1", at, this.#decodedEnd(bytes, at)));
      if (head !== undefined) return this.#receiveHead(head, at + head.size);
    }
    this.#reader ??= new HeadReader(this.#rules);
    const next = this.#reader.read(bytes, at, this.#length);
    if (next === undefined) return this.#awaitHead(this.#reader);
    const found = this.#reader.head();
    this.#reader = undefined;
    return this.#receiveHead(found, next);
  }

  /** Waits for the rest of a head. What it has so far may be an error already. */
  #awaitHead({ framing }: HeadReader): number {
    if (framing?.status === 101) throw new MalformedResponse(unrequestedUpgrade);
    if (framing !== undefined) checkFraming(framing, this.#method);
    return this.#length;
  }

  /** Returns the position up to which the head is decoded; `at` when the head is incomplete. */
  #decodedEnd(bytes: Buffer, at: number): number {
    if (this.#length - at <= maxDecodedBytes) return this.#length;
    const end = bytes.indexOf(headEnd, at);
    if (end === -1 || end - at > maxBytesAtOnce || end + headEnd.length > this.#length) return at;
    return end + headEnd.length;
  }

  #receiveHead(found: ParsedHead, at: number): number {
    if (found.status < 200) {
      if (found.status === 101) throw new MalformedResponse(unrequestedUpgrade);
      this.#sink.interimHead(found);
      return at;
    }
    this.#bytesLeft = bodyLength(found, this.#method, this.#rules.strict);
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
    if (chunks.done && this.#state === inBody) this.#endResponse(chunks.isClean && end === this.#length);
    return end;
  }

  #endResponse(clean: boolean): void {
    this.stop();
    this.#sink.responseEnded(clean);
  }
}
