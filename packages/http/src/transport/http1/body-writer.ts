import type { Socket } from "node:net";
import { checkLength } from "../wire/body-length.ts";
import type { BodyPieces } from "../wire/protocol.ts";
import { framingLines, type SerializedRequest } from "./serialize-request.ts";

/** Receives the progress of a body that is being sent. */
export interface BodyWriterEvents {
  /** Called after each piece. */
  bodySent(): void;
  /** Called after the last piece. */
  bodyWritten(): void;
  /** Called when the source of the body fails, or the body does not have its stated length. */
  abort(error: unknown): void;
}

/**
 * Writes a request with a body in pieces, each after the socket has taken the one before. A body of unknown length is
 * chunked (RFC 9112 §7.1). The head goes out with the first piece.
 */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #request: SerializedRequest;
  readonly #events: BodyWriterEvents;
  #sent = 0;
  #stopped = false;
  #onDrain: (() => void) | undefined;

  constructor(socket: Socket, request: SerializedRequest, events: BodyWriterEvents) {
    this.#socket = socket;
    this.#request = request;
    this.#events = events;
  }

  async write(pieces: BodyPieces): Promise<void> {
    try {
      for await (const piece of checkLength(pieces, this.#request.length)) {
        if (this.#stopped) return;
        if (!this.#writePiece(piece)) await new Promise<void>((resolve) => (this.#onDrain = resolve));
        if (this.#socket.writableLength === 0 && "piecesSent" in pieces) pieces.piecesSent?.();
      }
      if (!this.#stopped) this.#finish();
    } catch (error) {
      if (!this.#stopped) this.#events.abort(error);
    }
  }

  /** Called when the socket takes more. */
  drain(): void {
    this.#onDrain?.();
    this.#onDrain = undefined;
  }

  /** Stops writing, and destroys a stream that is the source of the body. */
  stop(): void {
    const { bodyPieces: pieces } = this.#request;
    this.#stopped = true;
    this.drain();
    if (pieces !== undefined && "destroy" in pieces) pieces.destroy();
  }

  #writePiece(bytes: Uint8Array): boolean {
    const { length } = this.#request;
    this.#socket.cork();
    if (this.#sent === 0) this.#writeHead();
    if (length === undefined) this.#socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    let taken = this.#socket.write(bytes);
    if (length === undefined) taken = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    this.#sent += bytes.length;
    this.#events.bodySent();
    return taken;
  }

  #writeHead(): void {
    const { head, method, length } = this.#request;
    const lines = length === undefined ? "transfer-encoding: chunked\r\n\r\n" : framingLines(method, length);
    this.#socket.write(head + lines, "latin1");
  }

  #finish(): void {
    const { head, method, length } = this.#request;
    if (this.#sent === 0) this.#socket.write(head + framingLines(method, 0), "latin1");
    else if (length === undefined) this.#socket.write("0\r\n\r\n", "latin1");
    this.#events.bodyWritten();
  }
}
