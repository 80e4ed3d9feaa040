import { connect, type ClientHttp2Session, type Settings } from "node:http2";
import type { Socket } from "node:net";
import {
  ConnectionLost,
  http2Codes,
  isHttp2ProtocolError,
  type RepeatLimit,
} from "../errors/http2-errors.ts";
import type { ExchangeController, HttpClient, OutgoingRequest, ResponseListener } from "../wire/protocol.ts";
import { ClientStream, type StreamOwner } from "./client-stream.ts";
import { Liveness } from "./liveness.ts";
import { toHttp2Request, type Http2Request } from "./request-fields.ts";
import { maxHeadBytes } from "./response-fields.ts";
import { StreamFaults } from "./stream-faults.ts";

/** Bytes of a paused body that a server may still send: as much as a fast connection over a long distance has under way. */
const streamWindowBytes = 1024 * 1024;
/** Bytes of all bodies that a server may have under way. Node reads them in any case, so that no stream waits for another. */
const connectionWindowBytes = 16 * 1024 * 1024;
// Longer than any server accepts. Node's own limit is 64 KiB.
const maxSentHeadBytes = 1024 * 1024;
// Shorter than the idle limit of most servers, which end an idle connection with a GOAWAY that loses no request.
const idleMs = 60_000;
// The numbers of streams end at 2³¹ (RFC 9113 §5.1.1).
const lastUsableStream = 2 ** 31 - 1_000;

const sessionOptions = {
  settings: {
    enablePush: false,
    initialWindowSize: streamWindowBytes,
    maxHeaderListSize: maxHeadBytes,
  },
  maxHeaderListPairs: maxHeadBytes / 32,
  maxSendHeaderBlockLength: maxSentHeadBytes,
  // Megabytes. Beyond it Node refuses heads of responses, and bodies that wait to be sent count as well.
  maxSessionMemory: 1_000,
  // As over HTTP/1.1, the server decides about a header that comes twice. Node's types do not have this option of a client.
  strictSingleValueFields: false,
};

/** The controller of a request that never went out. */
const unsent: ExchangeController = {
  abort: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
};

/** Called when the connection accepts no further request. `requiresHttp1` says that none over HTTP/2 will be served. */
export type Retire = (requiresHttp1: boolean) => void;

/** Speaks HTTP/2 on one socket (RFC 9113). Requests beyond the server's limit of concurrent streams wait. */
export class Http2Client implements HttpClient, StreamOwner {
  progress = 0;
  readonly #socket: Socket;
  readonly #authority: string;
  readonly #retire: Retire;
  readonly #session: ClientHttp2Session;
  readonly #liveness: Liveness;
  readonly #faults: StreamFaults;
  readonly #waiting = new Map<ResponseListener, ClientStream>();
  readonly #streams = new Set<ClientStream>();
  #pausedStreams = 0;
  /** Whether the socket keeps the process alive. */
  #isReferenced = false;
  /** Maximum of open streams. Until the server's SETTINGS arrive, it is unknown: one stream is certainly allowed. */
  #limit = 0;
  /** Whether a stream was opened. */
  #hasOpened = false;
  #isRetired = false;
  #goawayCode: number | undefined;
  /** The last stream that a GOAWAY includes as processed (RFC 9113 §6.8). */
  #lastStream = Infinity;
  #error: Error | undefined;
  /** Whether several responses were under way when Node ended the connection for invalid HTTP/2. */
  #isFaultShared: boolean | undefined;
  #requiresHttp1 = false;

  constructor(origin: URL, socket: Socket, retire: Retire) {
    this.#socket = socket;
    this.#authority = origin.host;
    this.#retire = retire;
    // An unused connection must not keep the process alive.
    socket.unref();
    socket.on("error", (error: Error) => (this.#error ??= error));
    // A timer of the session would outlive it.
    socket.setTimeout(idleMs);
    socket.on("timeout", () => {
      if (this.#isIdle) this.#close();
    });
    this.#session = connect(origin, { ...sessionOptions, createConnection: () => socket });
    this.#liveness = new Liveness(this.#session);
    this.#faults = new StreamFaults(this.#session);
    this.#listenTo(this.#session);
  }

  dispatch(request: OutgoingRequest, listener: ResponseListener): void {
    let converted: Http2Request;
    try {
      converted = toHttp2Request(request, this.#authority);
    } catch (error) {
      return listener.onResponseError(unsent, error);
    }
    const stream = new ClientStream(this, converted, listener);
    if (this.#session.destroyed) this.#stopAccepting();
    if (this.#isRetired) return queueMicrotask(() => stream.failUnsent(this.#findUnsentLoss()));
    if (this.#isIdle) this.#becomeActive();
    if (this.#hasRoom) this.#openStream(stream);
    else this.#waiting.set(listener, stream);
    this.#keepProcessAlive();
  }

  cancel(listener: ResponseListener): void {
    this.#waiting.delete(listener);
    this.#keepProcessAlive();
  }

  checkAlive(now: number, readLimit: number): void {
    this.#faults.check();
    if (this.#session.destroyed || !this.#liveness.isDead(now, readLimit, this.#countBytes)) return;
    const error = new Error("The server replied neither to the requests nor to a PING");
    this.destroy(Object.assign(error, { code: "ETIMEDOUT" }));
  }

  destroy(reason?: Error): void {
    this.#error ??= reason;
    this.#isRetired = true;
    this.#session.destroy(reason);
    this.#socket.destroy(reason);
    this.#failWaiting();
  }

  findLoss(stream: ClientStream, error: Error | undefined): Error | undefined {
    const { id } = stream;
    // Node reports the end of a session later than that of its streams, whose requests must not come back to it.
    if (this.#session.destroyed && !this.#isRetired) this.#stopAccepting();
    if (isHttp2ProtocolError(error)) return this.#findFault(error);
    if (id === undefined || id > this.#lastStream) return this.#findUnsentLoss();
    if (!this.#session.destroyed && !this.#socket.destroyed) return undefined;
    return new ConnectionLost({ http2Code: this.#goawayCode, cause: this.#error });
  }

  /**
   * Returns the error of a stream after Node ended the connection for invalid HTTP/2. Node does not say which stream is to blame. Among
   * several, each may be the one that is not, and a GET may be repeated.
   */
  #findFault(cause: Error): Error {
    this.#isFaultShared ??= [...this.#streams].filter((each) => each.isActive).length > 1;
    return this.#isFaultShared ? new ConnectionLost({ cause }) : cause;
  }

  streamReset(): void {
    this.#faults.streamReset();
  }

  requireHttp1(): void {
    this.#requiresHttp1 = true;
    this.#stopAccepting();
  }

  isBeyondLimit(place: number): boolean {
    return place > this.#limit;
  }

  streamPaused(isPaused: boolean): void {
    this.#pausedStreams += isPaused ? 1 : -1;
    this.#keepProcessAlive();
  }

  streamClosed(stream: ClientStream): void {
    this.#streams.delete(stream);
    this.#openWaiting();
    this.#keepProcessAlive();
  }

  #listenTo(session: ClientHttp2Session): void {
    session.once("connect", () => {
      if (session.destroyed) return;
      session.setLocalWindowSize(connectionWindowBytes);
      this.#allow(1);
    });
    session.on("remoteSettings", ({ maxConcurrentStreams = Infinity }: Settings) =>
      this.#allow(maxConcurrentStreams),
    );
    session.on("goaway", (code: number, lastStream: number) => this.#readGoaway(code, lastStream));
    session.on("error", (error: Error) => (this.#error ??= error));
    session.once("close", () => this.#stopAccepting());
  }

  /** Ends an idle connection with a GOAWAY. */
  #close(): void {
    this.#stopAccepting();
    this.#session.close();
  }

  #allow(streams: number): void {
    this.#limit = streams;
    this.#openWaiting();
  }

  #openWaiting(): void {
    for (const [listener, stream] of this.#waiting) {
      if (!this.#hasRoom || this.#isRetired) return;
      this.#waiting.delete(listener);
      this.#openStream(stream);
    }
  }

  /** Whether the server accepts another stream. */
  get #hasRoom(): boolean {
    return this.#streams.size < this.#limit && !this.#faults.isPending;
  }

  #openStream(stream: ClientStream): void {
    this.#streams.add(stream);
    this.#hasOpened = true;
    stream.open(this.#session, this.#streams.size);
  }

  streamOpened(id: number | undefined): void {
    if (id !== undefined && id > lastUsableStream) this.#close();
  }

  readonly #countBytes = (): number => this.#socket.bytesRead;

  get #isIdle(): boolean {
    return this.#streams.size + this.#waiting.size === 0;
  }

  #becomeActive(): void {
    this.#liveness.reset();
    this.#socket.setTimeout(0);
  }

  /** Keeps the process alive while a response is waited for, and not for unread bodies. */
  #keepProcessAlive(): void {
    const isWaiting = this.#streams.size + this.#waiting.size > this.#pausedStreams;
    if (this.#isIdle) this.#socket.setTimeout(idleMs);
    if (isWaiting === this.#isReferenced) return;
    this.#isReferenced = isWaiting;
    if (isWaiting) this.#socket.ref();
    else this.#socket.unref();
  }

  /** A GOAWAY ends the connection for new requests long before the socket closes. A second one may include fewer streams. */
  #readGoaway(code: number, lastStream: number): void {
    this.#goawayCode = code;
    if (code === http2Codes.http11Required) this.#requiresHttp1 = true;
    this.#lastStream = Math.min(this.#lastStream, lastStream);
    this.#stopAccepting();
  }

  #stopAccepting(): void {
    this.#isRetired = true;
    this.#retire(this.#requiresHttp1);
    this.#failWaiting();
  }

  #failWaiting(): void {
    if (this.#isIdle) return;
    const unopened = [...this.#streams].filter((stream) => stream.isUnopened);
    const streams = [...this.#waiting.values(), ...unopened];
    this.#waiting.clear();
    const loss = this.#findUnsentLoss();
    for (const stream of streams) stream.failUnsent(loss);
    this.#keepProcessAlive();
  }

  /** Returns the error for a request that the server did not process. */
  #findUnsentLoss(): ConnectionLost {
    return new ConnectionLost({
      http2Code: this.#goawayCode,
      unprocessed: this.#repeatLimit,
      cause: this.#error,
    });
  }

  /** How often a request that the server did not process may be repeated without a report. */
  get #repeatLimit(): RepeatLimit {
    // The server asks for a pause, which only a reported failure brings.
    if (this.#goawayCode === http2Codes.enhanceYourCalm) return "never";
    return this.#hasOpened && this.#lastStream > 0 ? "always" : "once";
  }
}
