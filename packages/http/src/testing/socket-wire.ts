import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteSource } from "./byte-source.ts";
import type { Head } from "./head.ts";
import { announcesClose, headBytes } from "./head.ts";
import type { Flow, Wire } from "./play.ts";
import type { RequestBody } from "./request-body.ts";
import type { Afterwards, Ending } from "./steps.ts";

/** Plays steps on a TCP connection, or on the TLS inside it. */
export class SocketWire implements Wire {
  /** What the steps so far want done after the answer. */
  armed: Afterwards | undefined;
  /** True after a head that said Connection: close. */
  closing = false;
  muted = false;
  readonly #stream: Duplex;
  readonly #raw: Socket;
  readonly #source: ByteSource;
  #request: { readonly isHead: boolean; readonly body: RequestBody } | undefined;
  #ended = false;

  constructor(stream: Duplex, raw: Socket, source: ByteSource) {
    this.#stream = stream;
    this.#raw = raw;
    this.#source = source;
  }

  get over(): boolean {
    return this.#ended || this.#stream.destroyed || this.#raw.destroyed;
  }

  /** Makes ready for the answer to the next request. */
  begin(isHead: boolean, body: RequestBody): void {
    this.#request = { isHead, body };
    this.muted = false;
    this.closing = false;
    this.armed = undefined;
  }

  head(head: Head): Flow {
    const final = head.status >= 200;
    const flow = this.send(headBytes(head));
    this.muted = final && this.#request?.isHead === true;
    if (final && announcesClose(head)) this.closing = true;
    return flow;
  }

  send(bytes: Buffer): Flow {
    if (this.over || this.#stream.write(bytes)) return undefined;
    return this.#event("drain");
  }

  async sleep(duration: number): Promise<void> {
    const waited = new AbortController();
    const timer = setTimeout(() => waited.abort(), Math.min(duration, 2 ** 31 - 1));
    await this.#event("close", waited.signal);
    clearTimeout(timer);
  }

  async end(ending: Ending): Promise<void> {
    await this.#flushed();
    this.#ended = true;
    if (ending === "rst") {
      this.#raw.resetAndDestroy();
      this.#stream.destroy();
      return;
    }
    if (ending === "fin") this.#stream.end();
    if (ending === "bare-fin") this.#raw.end();
    await this.#peerGone();
    this.#stream.destroy();
  }

  async read(amount: number): Promise<void> {
    await this.#request?.body.read(amount);
    if (this.#request?.body.complete === false) this.#source.hold();
  }

  async peek(): Promise<void> {
    if (this.#source.pending.length === 0) await this.#source.more();
  }

  async tunnel(to: { readonly host: string; readonly port: number }): Promise<void> {
    const early = this.#source.release();
    const far = connect({ ...to, allowHalfOpen: true });
    far.on("error", () => this.#stream.destroy());
    far.write(early);
    this.#stream.pipe(far).pipe(this.#stream);
    this.#ended = true;
    await this.#closed();
    far.destroy();
  }

  arm(afterwards: Afterwards): void {
    this.armed = afterwards;
  }

  frame(): never {
    throw new TypeError("RST_STREAM and GOAWAY are for HTTP/2 only");
  }

  /** The end of the peer: its FIN, or the end of the connection. What it still sends is thrown away. */
  async #peerGone(): Promise<void> {
    this.#source.discard();
    while (!this.#source.ended) await this.#source.more();
  }

  async #closed(): Promise<void> {
    if (!this.#stream.closed) await this.#event("close");
  }

  async #flushed(): Promise<void> {
    if (this.over || this.#stream.writableLength === 0) return;
    await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
  }

  /** The event, or the close of the stream, or the signal. */
  #event(name: "drain" | "close", signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#stream.off(name, done).off("close", done);
        resolve();
      };
      this.#stream.on(name, done);
      if (name !== "close") this.#stream.on("close", done);
      signal?.addEventListener("abort", done, { once: true });
    });
  }
}
