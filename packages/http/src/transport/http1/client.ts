import type { Socket } from "node:net";
import { readSocket } from "../connect/shared-read.ts";
import { CloseNotify } from "../connect/close-notify.ts";
import type { ExchangeController, ResponseListener, OutgoingRequest, HttpClient } from "../wire/protocol.ts";
import { BodyBuffer, copyBytes } from "../wire/read-buffer.ts";
import { BodyWriter, type BodyWriterEvents } from "./body-writer.ts";
import { ConnectionEnded } from "./errors.ts";
import { idleLimitOf, isPersistent, untilClose } from "./framing.ts";
import type { ParsedHead } from "./head.ts";
import { serializeRequest, type SerializedRequest } from "./serialize-request.ts";
import { ResponseParser, type ResponseSink } from "./parser.ts";
import { callAfterPoll, type PollListener } from "./poll-turn.ts";

// How long a connection may be idle where the server does not say: less than servers allow as a rule.
const defaultIdleMs = 4_000;

/**
 * HTTP/1.1 on one socket, one request at a time (RFC 9112). It is at once its listener's controller, its parser's sink and
 * what waits for its turn, so that a request makes no object of its own but its message.
 */
export class Http1Client
  implements HttpClient, ExchangeController, ResponseSink, BodyWriterEvents, PollListener
{
  readonly #socket: Socket;
  readonly #host: string;
  readonly #retire: () => void;
  readonly #parser: ResponseParser = new ResponseParser(this);
  /** Whether what is read lies in a buffer that the next read overwrites. */
  readonly #borrows: boolean;
  readonly #room = new BodyBuffer();
  #failure: Error | undefined;
  /** Whose exchange is under way. */
  #listener: ResponseListener | undefined;
  #method = "";
  /** What has not gone out yet. */
  #unsent: SerializedRequest | undefined;
  #upload: BodyWriter | undefined;
  /** Whether a request has gone out on it before. */
  #used = false;
  /** Whether another may follow. */
  #again = true;
  #queued = false;
  #resting = false;
  #paused = false;
  #idleMs = defaultIdleMs;
  /** How it ends, where nothing but that delimits a body, and it has to be announced. */
  #end: CloseNotify | undefined;

  /** `retire` is told that no further request may go out, before a listener hears of the end of the last one. */
  constructor(socket: Socket, host: string, retire: () => void) {
    this.#socket = socket;
    this.#host = host;
    this.#retire = retire;
    this.#borrows = readSocket(socket, (bytes, length) => this.#read(bytes, length));
    socket.on("drain", () => this.#upload?.drain());
    socket.on("error", (error: Error) => (this.#failure = error));
    socket.once("end", () => this.#readEnd());
    socket.once("close", () => this.#fail(this.#failure ?? new ConnectionEnded()));
    socket.on("timeout", () => this.#resting && socket.destroy());
    this.#rest();
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    let message: SerializedRequest;
    try {
      message = serializeRequest(request, this.#host);
    } catch (error) {
      return listener.onResponseError(this, error);
    }
    this.#listener = listener;
    this.#unsent = message;
    if (this.#socket.destroyed) return queueMicrotask(() => this.#fail(new ConnectionEnded()));
    if (this.#resting) this.#wake();
    // What has come for it by now, a FIN or what nobody asked for, must be seen before anything goes out.
    if (this.#used) this.#queue();
    else this.#send();
  }

  destroy(reason?: Error): void {
    this.#socket.destroy(reason);
  }

  afterPoll(): void {
    this.#queued = false;
    // Its end is reported a moment later.
    if (this.#socket.destroyed) return;
    if (this.#unsent !== undefined) this.#send();
    else if (this.#listener === undefined) this.#rest();
  }

  #queue(): void {
    if (this.#queued) return;
    this.#queued = true;
    callAfterPoll(this);
  }

  #send(): void {
    const [listener, message] = [this.#listener, this.#unsent];
    if (listener === undefined || message === undefined) return;
    this.#used = true;
    this.#unsent = undefined;
    this.#again = !message.last;
    this.#method = message.method;
    this.#parser.expectResponse(message.method);
    listener.onRequestStart(this, message.head.length);
    // It may have been called off by that.
    if (this.#listener === listener) this.#write(message);
  }

  #write(message: SerializedRequest): void {
    const { head, bytes, bodyPieces: pieces } = message;
    const socket = this.#socket;
    if (pieces !== undefined) {
      this.#upload = new BodyWriter(socket, message, this);
      void this.#upload.write(pieces);
    } else if (bytes.length === 0) socket.write(head, "latin1");
    else {
      socket.cork();
      socket.write(head, "latin1");
      socket.write(bytes);
      socket.uncork();
      this.bodySent();
    }
  }

  bodySent(): void {
    this.#listener?.onBodySent();
  }

  bodyWhole(): void {
    this.#upload = undefined;
  }

  #read(bytes: Buffer, length: number): void {
    // What nobody asked for would be taken for the next answer.
    if (this.#listener === undefined || this.#unsent !== undefined) return void this.#socket.destroy();
    try {
      this.#parser.read(bytes, length);
    } catch (error) {
      this.abort(error);
    }
  }

  #readEnd(): void {
    const isWhole = this.#end?.received ?? true;
    if (!isWhole || !this.#parser.endOfInput()) this.#socket.destroy();
  }

  headStarted(): void {
    this.#listener?.onResponseStarted();
  }

  interimHead({ status, fields, statusText }: ParsedHead): void {
    this.#listener?.onResponseStart(this, status, fields, statusText);
  }

  finalHead(head: ParsedHead): void {
    this.#idleMs = idleLimitOf(head) ?? defaultIdleMs;
    if (this.#idleMs <= 0 || !isPersistent(head, this.#method)) this.#again = false;
    this.#room.begin(this.#parser.bytesLeft);
    if (this.#parser.bytesLeft === untilClose) this.#end = CloseNotify.watch(this.#socket);
    this.#listener?.onResponseStart(this, head.status, head.fields, head.statusText);
  }

  bodyPiece(bytes: Buffer, start: number, end: number): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    if (!this.#borrows) listener.onResponseData(this, bytes.subarray(start, end));
    else if (listener.collectsBody) listener.onResponseData(this, this.#room.copy(bytes, start, end));
    else listener.onResponseData(this, copyBytes(bytes, start, end));
  }

  responseEnded(clean: boolean): void {
    const listener = this.#listener;
    const again = this.#again && clean && this.#upload === undefined;
    this.#listener = undefined;
    this.#room.begin(0);
    if (this.#paused) this.resume();
    if (again) this.#queue();
    else this.#leave();
    listener?.onResponseEnd();
  }

  /** Closes the connection after its last answer. */
  #leave(): void {
    this.#retire();
    this.#upload?.stop();
    this.#socket.destroy();
  }

  abort(reason: unknown): void {
    this.#socket.destroy();
    this.#fail(reason);
  }

  #fail(reason: unknown): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#unsent = undefined;
    this.#parser.stop();
    this.#upload?.stop();
    listener?.onResponseError(this, reason);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  /** Nobody uses it: it keeps no program alive, and closes after a while. */
  #rest(): void {
    this.#resting = true;
    this.#socket.unref();
    this.#socket.setTimeout(this.#idleMs);
  }

  #wake(): void {
    this.#resting = false;
    this.#socket.ref();
    this.#socket.setTimeout(0);
  }
}
