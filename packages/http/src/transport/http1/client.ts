import type { Socket } from "node:net";
import { CloseNotify } from "../connect/close-notify.ts";
import type { ExchangeController, HttpClient, OutgoingRequest, ResponseListener } from "../wire/protocol.ts";
import { BodyBuffer, newMemory, readSocket, type SharedRead } from "../wire/read-buffer.ts";
import { BodyWriter, type BodyWriterEvents } from "./body-writer.ts";
import { ConnectionEnded } from "./errors.ts";
import { allowsReuse, isPersistent, parseIdleLimit, untilClose } from "./framing.ts";
import type { ParsedHead } from "../wire/head.ts";
import { ResponseParser, type ResponseSink } from "./parser.ts";
import { serializeRequest, type SerializedRequest } from "./serialize-request.ts";

// Longest idle time of a connection when the server states none: less than most servers allow.
const defaultIdleMs = 4_000;

export interface Http1ClientOptions {
  /** The Host header of requests that have none. */
  readonly host: string;
  /** Whether a response with a malformed field is rejected. @default false */
  readonly strictHeaders?: boolean | undefined;
}

/**
 * Speaks HTTP/1.1 on one socket, one request at a time (RFC 9112). The client is also the controller of its listener and the
 * sink of its parser, so that a request allocates nothing here but its serialized form.
 */
export class Http1Client implements HttpClient, ExchangeController, ResponseSink, BodyWriterEvents {
  /** Always 0: no requests share the connection. */
  readonly progress = 0;
  readonly #socket: Socket;
  readonly #host: string;
  readonly #retire: () => void;
  readonly #parser: ResponseParser;
  /** Set if received bytes are in a buffer that the next read overwrites. */
  readonly #sharedRead: SharedRead | undefined;
  readonly #bodyBuffer = new BodyBuffer();
  #socketError: Error | undefined;
  /** The listener of the exchange under way. */
  #listener: ResponseListener | undefined;
  #method = "";
  /** Whether the request has a body although its method usually has none. */
  #hasUnusualBody = false;
  /** The request that has not been sent yet. */
  #unsent: SerializedRequest | undefined;
  #upload: BodyWriter | undefined;
  /** Whether the connection has carried a request. */
  #hasSent = false;
  /** Whether another request may follow. */
  #mayReuse = true;
  /** The round of polls after which the connection continues; 0 when it does not wait for one. */
  #continuesAt = 0;
  #isIdle = false;
  #isPaused = false;
  #idleMs = defaultIdleMs;
  /** Set while the body ends with the connection, and TLS must announce that end. */
  #closeNotify: CloseNotify | undefined;

  /** `retire` is called when the connection accepts no further request, before the listener of the last one is called. */
  constructor(socket: Socket, { host, strictHeaders }: Http1ClientOptions, retire: () => void) {
    this.#socket = socket;
    this.#host = host;
    this.#retire = retire;
    this.#parser = new ResponseParser(this, strictHeaders);
    this.#sharedRead = readSocket(socket, (bytes, length) => this.#read(bytes, length));
    socket.on("drain", () => this.#upload?.drain());
    // Mocks of connections end them with errors without a code.
    socket.on("error", (error: Error) => {
      this.#socketError = "code" in error ? error : new ConnectionEnded({ cause: error });
    });
    socket.once("end", () => this.#readEnd());
    socket.once("close", () => this.#fail(this.#socketError ?? new ConnectionEnded()));
    socket.on("timeout", () => this.#isIdle && socket.destroy());
    this.#becomeIdle();
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    let serialized: SerializedRequest;
    try {
      serialized = serializeRequest(request, this.#host);
    } catch (error) {
      return listener.onResponseError(this, error);
    }
    this.#listener = listener;
    this.#unsent = serialized;
    if (this.#socket.destroyed) return queueMicrotask(() => this.#fail(new ConnectionEnded()));
    if (this.#isIdle) this.#becomeActive();
    // Read first what has arrived on a used connection, a FIN or an unexpected response, before the request goes out.
    if (this.#hasSent) this.#queue();
    else this.#send();
  }

  /** Closes the connection: it carries one request at a time. */
  cancel(): void {
    this.#socket.destroy();
  }

  /** Does nothing: the read limit of the only request ends the connection too. */
  checkAlive(): void {}

  destroy(reason?: Error): void {
    this.#socket.destroy(reason);
  }

  /** Continues after the event loop has polled the socket: sends the next request, or becomes idle. */
  afterPoll(round: number): void {
    // A request that came since then waits for a poll of its own.
    if (round !== this.#continuesAt) return;
    this.#continuesAt = 0;
    // The "close" event follows.
    if (this.#socket.destroyed) return;
    if (this.#unsent !== undefined) this.#send();
    else if (this.#listener === undefined) this.#becomeIdle();
  }

  #queue(): void {
    if (this.#continuesAt === pollRound + 2) return;
    this.#continuesAt = pollRound + 2;
    callAfterPoll(this);
  }

  #send(): void {
    const [listener, serialized] = [this.#listener, this.#unsent];
    if (listener === undefined || serialized === undefined) return;
    this.#hasSent = true;
    this.#unsent = undefined;
    this.#mayReuse = !serialized.isLast;
    this.#method = serialized.method;
    this.#hasUnusualBody = serialized.hasUnusualBody;
    this.#parser.expectResponse(serialized.method);
    listener.onRequestStart(this, serialized.head.length);
    // `onRequestStart` may have aborted the request.
    if (this.#listener === listener) this.#write(serialized);
  }

  #write(serialized: SerializedRequest): void {
    const { head, bytes, bodyPieces: pieces } = serialized;
    const socket = this.#socket;
    if (pieces !== undefined) {
      this.#upload = new BodyWriter(socket, serialized, this);
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

  bodyWritten(): void {
    this.#upload = undefined;
  }

  #read(bytes: Buffer, length: number): void {
    // Bytes outside an exchange would be read as the next response.
    if (this.#listener === undefined || this.#unsent !== undefined) return void this.#socket.destroy();
    try {
      this.#parser.read(bytes, length);
    } catch (error) {
      this.abort(error);
    }
  }

  #readEnd(): void {
    const isEndAnnounced = this.#closeNotify?.received ?? true;
    if (!isEndAnnounced || !this.#parser.endOfInput()) this.#socket.destroy();
  }

  headStarted(): void {
    this.#listener?.onResponseStarted();
  }

  interimHead(head: ParsedHead): void {
    if (!allowsReuse(head)) this.#mayReuse = false;
    this.#listener?.onResponseStart(this, head.status, head.fields, head.statusText);
  }

  finalHead(head: ParsedHead): void {
    this.#idleMs = parseIdleLimit(head) ?? defaultIdleMs;
    if (this.#idleMs <= 0 || !isPersistent(head, this.#method)) this.#mayReuse = false;
    // A server of HTTP/1.0 may read such a body as the next request.
    if (this.#hasUnusualBody && head.minor === 0) this.#mayReuse = false;
    this.#bodyBuffer.begin(this.#parser.bytesLeft);
    if (this.#sharedRead !== undefined) this.#sharedRead.isLarge = this.#listener?.bodyMemory !== undefined;
    if (this.#parser.bytesLeft === untilClose) this.#closeNotify = CloseNotify.watch(this.#socket);
    this.#listener?.onResponseStart(this, head.status, head.fields, head.statusText);
  }

  bodyPiece(bytes: Buffer, start: number, end: number): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    // Over TLS each read has memory of its own: pieces that cannot be joined are passed on without a copy.
    const isOwn = this.#sharedRead === undefined;
    const isJoined = listener.collectsBody && (!isOwn || this.#bodyBuffer.joins(end - start));
    if (isJoined) listener.onResponseData(this, this.#bodyBuffer.copy(bytes, start, end));
    else if (isOwn) listener.onResponseData(this, bytes.subarray(start, end));
    else listener.onResponseData(this, (listener.bodyMemory ?? newMemory).copy(bytes, start, end));
  }

  responseEnded(clean: boolean): void {
    const listener = this.#listener;
    const mayReuse = this.#mayReuse && clean && this.#upload === undefined;
    this.#listener = undefined;
    this.#bodyBuffer.begin(0);
    if (this.#isPaused) this.resume();
    if (mayReuse) this.#queue();
    else this.#closeAfterResponse();
    listener?.onResponseEnd();
  }

  /** Closes the connection after its last response. */
  #closeAfterResponse(): void {
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
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Marks the connection as idle: it keeps no process alive, and closes after its idle limit. */
  #becomeIdle(): void {
    this.#isIdle = true;
    this.#socket.unref();
    this.#socket.setTimeout(this.#idleMs);
  }

  #becomeActive(): void {
    this.#isIdle = false;
    this.#socket.ref();
    this.#socket.setTimeout(0);
  }
}

// An immediate runs after a poll that may have begun before it was set: only the next poll has seen everything.
let waitingForPoll: Http1Client[] = [];
let waitingForSecondPoll: Http1Client[] = [];
let isImmediateSet = false;
let pollRound = 0;

/**
 * Calls `afterPoll` when the event loop has polled its sockets once more. All waiting clients are called together: sending
 * their requests one after the other, instead of each between two responses, was measured to take two thirds of the time
 * with 64 requests in flight.
 */
function callAfterPoll(client: Http1Client): void {
  waitingForPoll.push(client);
  if (isImmediateSet) return;
  isImmediateSet = true;
  setImmediate(runPolled);
}

function runPolled(): void {
  pollRound += 1;
  const ready = waitingForSecondPoll;
  waitingForSecondPoll = waitingForPoll;
  waitingForPoll = [];
  isImmediateSet = waitingForSecondPoll.length > 0;
  if (isImmediateSet) setImmediate(runPolled);
  for (const client of ready) client.afterPoll(pollRound);
}
