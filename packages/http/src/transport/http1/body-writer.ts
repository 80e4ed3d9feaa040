import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { UnsendableRequest } from "./errors.ts";
import {
  framingLines,
  lengthMismatch,
  type SerializedRequest,
  type BodyPieces,
} from "./serialize-request.ts";

/** Hears how a body goes out. */
export interface BodyWriterEvents {
  /** A piece was written. */
  bodySent(): void;
  /** All of it was written. */
  bodyWhole(): void;
  /** It broke off: what makes it failed, or it is not as long as announced. */
  abort(error: unknown): void;
}

/**
 * Writes a request whose body comes in pieces: each when the socket has taken the one before, with its length where one
 * is announced and in chunks otherwise (RFC 9112 §7.1). The head goes out with the first.
 */
export class BodyWriter {
  readonly #socket: Socket;
  readonly #message: SerializedRequest;
  readonly #events: BodyWriterEvents;
  #sent = 0;
  #stopped = false;
  #drained: (() => void) | undefined;

  constructor(socket: Socket, message: SerializedRequest, events: BodyWriterEvents) {
    this.#socket = socket;
    this.#message = message;
    this.#events = events;
  }

  async write(pieces: BodyPieces): Promise<void> {
    try {
      for await (const piece of pieces) {
        if (this.#stopped) return;
        if (!this.#writePiece(toPieceBytes(piece)))
          await new Promise<void>((resolve) => (this.#drained = resolve));
      }
      if (!this.#stopped) this.#finish();
    } catch (error) {
      if (!this.#stopped) this.#events.abort(error);
    }
  }

  /** Says that the socket takes more. */
  drain(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  /** Nothing more is wanted of it. */
  stop(): void {
    const { bodyPieces: pieces } = this.#message;
    this.#stopped = true;
    this.drain();
    if (pieces instanceof Readable) pieces.destroy();
  }

  #writePiece(bytes: Uint8Array): boolean {
    const { length } = this.#message;
    if (bytes.length === 0) return true;
    if (length !== undefined && this.#sent + bytes.length > length) throw lengthMismatch(length);
    this.#socket.cork();
    if (this.#sent === 0) this.#announce();
    if (length === undefined) this.#socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    let taken = this.#socket.write(bytes);
    if (length === undefined) taken = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    this.#sent += bytes.length;
    this.#events.bodySent();
    return taken;
  }

  #announce(): void {
    const { head, method, length } = this.#message;
    const lines = length === undefined ? "transfer-encoding: chunked\r\n\r\n" : framingLines(method, length);
    this.#socket.write(head + lines, "latin1");
  }

  #finish(): void {
    const { head, method, length } = this.#message;
    if (this.#sent !== (length ?? this.#sent)) throw lengthMismatch(length);
    if (this.#sent === 0) this.#socket.write(head + framingLines(method, 0), "latin1");
    else if (length === undefined) this.#socket.write("0\r\n\r\n", "latin1");
    this.#events.bodyWhole();
  }
}

/** What a stream gives is known only when it comes. */
function toPieceBytes(piece: unknown): Uint8Array {
  if (typeof piece === "string") return Buffer.from(piece);
  if (piece instanceof Uint8Array) return piece;
  throw new UnsendableRequest(`A body must consist of bytes or text, got ${typeof piece}`);
}
