import type { Writable } from "node:stream";
import { checkLength } from "../wire/body-length.ts";
import type { BodyPieces } from "../wire/protocol.ts";

/** Receives the progress of a body that is being sent. */
export interface BodySenderEvents {
  /** Called when a part has gone out. */
  bodySent(): void;
  /** Called after the last piece. */
  bodyWritten(): void;
  /** Called when the source of the body fails, or the body does not have its stated length. */
  abort(error: unknown): void;
}

// A stream reports a write when all of it is sent: small parts show progress within the server's flow-control window.
const partBytes = 64 * 1024;

/** Sends a body on an HTTP/2 stream, each part after the one before has gone out. */
export class BodySender {
  readonly #stream: Writable;
  readonly #pieces: BodyPieces;
  readonly #events: BodySenderEvents;
  #stopped = false;
  #onSent: (() => void) | undefined;

  constructor(stream: Writable, pieces: BodyPieces, events: BodySenderEvents) {
    this.#stream = stream;
    this.#pieces = pieces;
    this.#events = events;
  }

  /** Sends the pieces. `length` is the Content-Length of the request. */
  async send(length: number | undefined): Promise<void> {
    try {
      for await (const piece of checkLength(this.#pieces, length)) {
        await this.#sendPiece(piece);
        if (this.#stopped) return;
      }
      if (this.#stopped) return;
      this.#stream.end();
      this.#events.bodyWritten();
    } catch (error) {
      if (!this.#stopped) this.#events.abort(error);
    }
  }

  async #sendPiece(piece: Uint8Array): Promise<void> {
    const pieces = this.#pieces;
    for (let at = 0; at < piece.length && !this.#stopped; at += partBytes)
      await this.#sendPart(piece.subarray(at, at + partBytes));
    if (this.#stream.writableLength === 0 && "piecesSent" in pieces) pieces.piecesSent?.();
  }

  /** Stops sending, and destroys a stream that is the source of the body. */
  stop(): void {
    this.#stopped = true;
    this.#onSent?.();
    if ("destroy" in this.#pieces) this.#pieces.destroy();
  }

  #sendPart(part: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      // A stream that is reset does not report the writes under way.
      this.#onSent = resolve;
      this.#stream.write(part, () => {
        resolve();
        if (!this.#stopped) this.#events.bodySent();
      });
    });
  }
}
