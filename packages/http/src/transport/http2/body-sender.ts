import type { Writable } from "node:stream";
import { checkLength } from "../wire/body-length.ts";
import type { BodyPieces } from "../wire/protocol.ts";

/** Receives the progress of a body that is being sent. */
export interface BodySenderEvents {
  /** Called before the first piece is sent, or the end of an empty body. Returns undefined if there is no stream to send it on. */
  openStream(): Writable | undefined;
  /** Called when a part has gone out. */
  bodySent(): void;
  /** Called after the last piece. */
  bodyWritten(): void;
  /** Called when the source of the body fails, or the body does not have its stated length. */
  abort(error: unknown): void;
}

// A stream reports a write when all of it is sent: small parts show progress within the server's flow-control window.
const partBytes = 64 * 1024;

/** Sends a body on an HTTP/2 stream, which it opens with the first piece. Each part is sent after the one before has gone out. */
export class BodySender {
  #stream: Writable | undefined;
  readonly #pieces: BodyPieces;
  readonly #events: BodySenderEvents;
  #stopped = false;
  #onSent: (() => void) | undefined;

  constructor(pieces: BodyPieces, events: BodySenderEvents) {
    this.#pieces = pieces;
    this.#events = events;
  }

  /** Sends the pieces. `length` is the Content-Length of the request. */
  async send(length: number | undefined): Promise<void> {
    try {
      for await (const piece of checkLength(this.#pieces, length)) {
        if (this.#stopped) return;
        const stream = this.#open();
        if (stream === undefined) return;
        await this.#sendPiece(stream, piece);
        if (this.#stopped) return;
      }
      if (this.#stopped) return;
      this.#open()?.end();
      this.#events.bodyWritten();
    } catch (error) {
      if (!this.#stopped) this.#events.abort(error);
    }
  }

  /** A source that produces nothing, or fails immediately, has sent nothing: not even the head. */
  #open(): Writable | undefined {
    this.#stream ??= this.#events.openStream();
    return this.#stream;
  }

  async #sendPiece(stream: Writable, piece: Uint8Array): Promise<void> {
    const pieces = this.#pieces;
    for (let at = 0; at < piece.length && !this.#stopped; at += partBytes)
      await this.#sendPart(stream, piece.subarray(at, at + partBytes));
    if (stream.writableLength === 0 && "piecesSent" in pieces) pieces.piecesSent?.();
  }

  /** Stops sending, and destroys a stream that is the source of the body. */
  stop(): void {
    this.#stopped = true;
    this.#onSent?.();
    if ("destroy" in this.#pieces) this.#pieces.destroy();
  }

  #sendPart(stream: Writable, part: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // A stream that is reset does not report the writes under way.
      this.#onSent = resolve;
      stream.write(part, () => {
        resolve();
        if (!this.#stopped) this.#events.bodySent();
      });
    });
  }
}
