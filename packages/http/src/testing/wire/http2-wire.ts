import type { OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Head, HeaderLine } from "../replies/head.ts";
import { lineName } from "../replies/head.ts";
import type { MaybePromise, Wire } from "./play.ts";
import type { Chunk, Ending, Frame, Http2Step, LastChunk } from "../replies/steps.ts";
import { toBuffer } from "../replies/steps.ts";
import { flushed, until } from "./stream-waits.ts";
import { StreamWire } from "./stream-wire.ts";

/** Fields that speak of an HTTP/1 connection and that HTTP/2 forbids (RFC 9113 §8.2.2). */
const connectionFields: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** The stream that carries the frames, and the TCP connection below it. */
export interface Http2Connection {
  readonly connection: Duplex;
  readonly raw: Socket;
}

/** The request of an HTTP/2 stream. */
export interface Http2Request {
  readonly isHead: boolean;
  readonly read: (amount: number) => Promise<void>;
}

/** Plays steps on one HTTP/2 stream. */
export class Http2Wire extends StreamWire<ServerHttp2Stream> implements Wire {
  readonly #connection: Duplex;
  readonly #request: Http2Request;

  constructor(stream: ServerHttp2Stream, { connection, raw }: Http2Connection, request: Http2Request) {
    super(stream, raw);
    this.#connection = connection;
    this.#request = request;
  }

  head(head: Head): MaybePromise {
    const headers = outgoing(head);
    if (head.status < 200) {
      this.stream.additionalHeaders(headers);
      return undefined;
    }
    this.muted = this.#request.isHead;
    this.stream.respond(headers);
    return undefined;
  }

  async end(ending: Ending): Promise<void> {
    await flushed(this.stream);
    this.ended = true;
    if (ending === "fin") this.stream.end();
    if (ending === "rst") this.raw.resetAndDestroy();
    if (ending === "bare-fin") this.raw.end();
    await until(this.stream, "close");
  }

  read(amount: number): Promise<void> {
    return this.#request.read(amount);
  }

  async peek(): Promise<void> {}

  tunnel(): never {
    throw new TypeError("A tunnel is for HTTP/1 only");
  }

  arm(): never {
    throw new TypeError("Steps between two requests are for HTTP/1 only");
  }

  chunk(step: Chunk | LastChunk): MaybePromise {
    return "chunk" in step ? this.send(toBuffer(step.chunk)) : undefined;
  }

  /** Written past Node's HTTP/2, which ends a stream before it resets it and cannot say GOAWAY below the first stream. */
  async frame(step: Http2Step): Promise<void> {
    await flushed(this.stream);
    if (this.over) return;
    const id = this.stream.id ?? 0;
    this.#connection.write(frameBytes(toFrame(step, id), id));
    if ("resetStream" in step) this.ended = true;
  }
}

const resetStreamType = 3;
const goawayType = 7;

function toFrame(step: Http2Step, id: number): Frame {
  if ("frame" in step) return step.frame;
  if ("resetStream" in step) return { type: resetStreamType, payload: numbers(step.resetStream) };
  const last = step.processed ? id : Math.max(0, id - 2);
  return { type: goawayType, stream: 0, payload: numbers(last, step.goaway) };
}

/** 32-bit numbers, one after the other. */
function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

function frameBytes({ type, flags = 0, stream, payload = "" }: Frame, id: number): Buffer {
  const bytes = toBuffer(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(bytes.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream ?? id, 5);
  return Buffer.concat([head, bytes]);
}

/** Raw lines without a colon and fields of the connection have no place in HTTP/2 and are left out. */
function outgoing({ status, lines }: Head): OutgoingHttpHeaders {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const name = lineName(line);
    if (name === "" || connectionFields.has(name)) continue;
    fields.set(name, [...(fields.get(name) ?? []), lineValue(line)]);
  }
  const single = [...fields].map(
    ([name, values]) => [name, values.length === 1 ? values[0] : values] as const,
  );
  return { ":status": status, ...Object.fromEntries(single) };
}

function lineValue(line: HeaderLine): string {
  return typeof line === "string" ? line.slice(line.indexOf(":") + 1).trim() : line[1];
}
