import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteSource } from "./byte-source.ts";
import { chunkBytes } from "../replies/chunk-bytes.ts";
import type { Head } from "../replies/head.ts";
import { announcesClose, headBytes } from "../replies/head.ts";
import type { MaybePromise, Wire } from "./play.ts";
import type { ReceivedBody } from "./request-body.ts";
import type { Afterwards, Chunk, Ending, LastChunk } from "../replies/steps.ts";
import { flushed, until } from "./stream-waits.ts";
import { StreamWire } from "./stream-wire.ts";

/** The request that a wire currently replies to. */
export interface CurrentRequest {
  readonly isHead: boolean;
  readonly body: ReceivedBody;
  readonly onRead: () => void;
}

/** Plays steps on a TCP connection, or on the TLS inside it. */
export class SocketWire extends StreamWire<Duplex> implements Wire {
  /** Steps armed for the time after the reply. */
  armed: Afterwards | undefined;
  /** Whether a head with `Connection: close` was sent. */
  closing = false;
  readonly #source: ByteSource;
  #request: CurrentRequest | undefined;

  constructor(stream: Duplex, raw: Socket, source: ByteSource) {
    super(stream, raw);
    this.#source = source;
  }

  /** Prepares the reply to the next request. */
  begin(request: CurrentRequest): void {
    this.#request = request;
    this.muted = false;
    this.closing = false;
    this.armed = undefined;
  }

  head(head: Head): MaybePromise {
    const final = head.status >= 200;
    const flow = this.send(headBytes(head));
    this.muted = final && this.#request?.isHead === true;
    if (final && announcesClose(head)) this.closing = true;
    return flow;
  }

  async end(ending: Ending): Promise<void> {
    await flushed(this.stream);
    this.ended = true;
    if (ending === "rst") {
      this.raw.resetAndDestroy();
      this.stream.destroy();
      return undefined;
    }
    if (ending === "fin") this.stream.end();
    if (ending === "bare-fin") this.raw.end();
    // A peer stays blocked while its body is not read, and its FIN is not seen until the connection closes.
    if (ending === "hang" && this.#source.held) return until(this.stream, "close");
    await this.#peerGone();
    this.stream.destroy();
  }

  async read(amount: number): Promise<void> {
    await this.#request?.body.read(amount);
    this.#request?.onRead();
    if (this.#request?.body.complete === false) this.#source.hold();
  }

  async peek(): Promise<void> {
    if (this.#source.pending.length === 0) await this.#source.more();
  }

  async tunnel(to: { readonly host: string; readonly port: number }): Promise<void> {
    const early = this.#source.release();
    const far = connect({ ...to, allowHalfOpen: true });
    far.on("error", () => this.stream.destroy());
    far.write(early);
    this.stream.pipe(far).pipe(this.stream);
    this.ended = true;
    await until(this.stream, "close");
    far.destroy();
  }

  chunk(step: Chunk | LastChunk): MaybePromise {
    return this.send(chunkBytes(step));
  }

  arm(afterwards: Afterwards): void {
    this.armed = afterwards;
  }

  frame(): never {
    throw new TypeError("RST_STREAM and GOAWAY are for HTTP/2 only");
  }

  /** Resolves at the FIN of the peer or the end of the connection. Discards further bytes. */
  async #peerGone(): Promise<void> {
    this.#source.discard();
    while (!this.#source.ended) await this.#source.more();
  }
}
