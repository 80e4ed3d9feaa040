import { Readable } from "node:stream";
import { DeadlineExceededError, type Clock } from "@holdfast/policy";
import { requestHeaders, withWrittenNames, writtenTarget, type StreamOptions } from "../adapter/adapter.ts";
import type {
  Dispatch,
  DispatchController,
  DispatchHandler,
  DispatchOptions,
  LegacyHandler,
  ModernHandler,
  ReceivedHeaders,
} from "../dispatch/contract.ts";
import { AttemptTimeoutError, type Phase } from "../errors/transport-errors.ts";
import type { BodySource } from "../model/body-source.ts";
import { openBody } from "../model/body.ts";
import type { HeaderRecord } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import { StreamedResponse } from "../model/streamed-response.ts";
import { onAbort } from "../support/bounded-wait.ts";
import { startLimit } from "../support/limit-timer.ts";
import { addField, type HeaderFields } from "../transport/wire/head.ts";
import { contentLength } from "../transport/wire/messages.ts";
import { toAttemptError } from "./attempt-error.ts";

// As much as a stream of the transport keeps for a slow reader.
const maxBufferedBytes = 64 * 1024;

interface PendingRead {
  readonly resolve: (piece: Uint8Array | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** One attempt that another dispatcher sends. The exchange is the source of the body. */
export class DispatchedExchange implements BodySource {
  readonly #request: HttpRequest;
  readonly #options: StreamOptions;
  readonly #clock: Clock;
  readonly #pieces: Uint8Array[] = [];
  #bufferedBytes = 0;
  #received = 0;
  #headers: HeaderFields = {};
  #phase: Phase = "connect";
  #end: { readonly error?: unknown } | undefined;
  #reader: PendingRead | undefined;
  #resolveHead: (response: StreamedResponse) => void = () => undefined;
  #rejectHead: (error: unknown) => void = () => undefined;
  #abort: ((reason: unknown) => void) | undefined;
  #pause: () => void = () => undefined;
  #resume: () => void = () => undefined;
  #stopLimits: () => void = () => undefined;

  constructor(request: HttpRequest, options: StreamOptions, clock: Clock) {
    this.#request = request;
    this.#options = options;
    this.#clock = clock;
  }

  /** Resolves with the response when its head has arrived. */
  send(dispatch: Dispatch): Promise<StreamedResponse> {
    return new Promise((resolve, reject) => {
      this.#resolveHead = resolve;
      this.#rejectHead = reject;
      const { timeouts, deadline, signal } = this.#options;
      this.#limit({ deadline, signal, attempt: timeouts.attempt });
      try {
        dispatch(this.#dispatchOptions(), this.#handler());
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#takePiece();
    if (piece !== undefined) return Promise.resolve(piece);
    if (this.#end !== undefined)
      return "error" in this.#end ? Promise.reject(this.#end.error) : Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      this.#resume();
    });
  }

  takeArrived(): Uint8Array | null | undefined {
    const isComplete = this.#end !== undefined && !("error" in this.#end);
    return this.#takePiece() ?? (isComplete ? null : undefined);
  }

  cancel(reason: unknown): void {
    this.#pieces.length = 0;
    if (this.#end !== undefined) return;
    this.#finish({ error: reason });
    this.#abort?.(reason);
  }

  #takePiece(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#bufferedBytes -= piece.length;
    if (this.#bufferedBytes < maxBufferedBytes / 2) this.#resume();
    return piece;
  }

  #limit({
    deadline,
    signal,
    attempt,
  }: Pick<StreamOptions, "deadline" | "signal"> & { attempt: number }): void {
    const left = deadline - this.#clock.now();
    const limit = Math.min(attempt, left);
    const expire = (): void => this.#cancelAttempt(this.#limitError(attempt < left));
    const stopTimer = limit < Infinity ? startLimit({ clock: this.#clock, limit }, expire) : () => undefined;
    const stopListening = onAbort([signal], (reason) => this.#cancelAttempt(reason));
    this.#stopLimits = () => {
      stopTimer();
      stopListening();
    };
    if (signal?.aborted === true) this.#cancelAttempt(signal.reason);
  }

  #limitError(isAttempt: boolean): Error {
    const { attempt, total } = this.#options.timeouts;
    if (!isAttempt) return new DeadlineExceededError(total);
    const mayHaveArrived = this.#phase !== "connect";
    return new AttemptTimeoutError(this.#request.url.host, attempt, { phase: this.#phase, mayHaveArrived });
  }

  /** Ends the attempt. A request that has not begun is aborted when it begins. */
  #cancelAttempt(error: unknown): void {
    this.#finish({ error });
    this.#abort?.(error);
  }

  #dispatchOptions(): DispatchOptions {
    const { method, url, body, wireForm } = this.#request;
    const { read } = this.#options.timeouts;
    const opened = openBody(body);
    if (opened instanceof Readable) opened.on("error", () => undefined);
    const limit = read < Infinity ? read : 0;
    return {
      ...wireForm?.dispatched?.options,
      origin: url.origin,
      path: writtenTarget(this.#request),
      query: undefined,
      method,
      body: opened,
      headers: writtenHeaders(this.#request),
      headersTimeout: limit,
      bodyTimeout: limit,
      maxRedirections: 0,
    };
  }

  /** A handler of the form that the caller of the dispatcher uses, which the dispatcher below is sure to know. */
  #handler(): DispatchHandler {
    return this.#request.wireForm?.dispatched?.isModern === true ? this.#modern() : this.#legacy();
  }

  #modern(): ModernHandler {
    return {
      onRequestStart: (controller) => this.#started(controller),
      onResponseStart: (...[, status, headers, statusText = ""]) => {
        if (status >= 200) this.#headReceived(status, statusText, headers);
      },
      onResponseData: (_, chunk) => {
        if (!this.#dataReceived(chunk)) this.#pause();
      },
      onResponseEnd: () => this.#finish({}),
      onResponseError: (_, error) => this.#fail(error),
    };
  }

  #legacy(): LegacyHandler {
    return {
      onConnect: (abort) => this.#started({ abort, pause: () => undefined, resume: () => undefined }),
      onHeaders: (...[status, raw, resume, statusText]) => {
        if (status < 200) return true;
        this.#resume = resume;
        const fields: HeaderFields = {};
        for (let index = 0; index < raw.length; index += 2)
          addField(fields, text(raw[index]).toLowerCase(), text(raw[index + 1]));
        this.#headReceived(status, statusText, fields);
        return true;
      },
      onData: (chunk) => this.#dataReceived(chunk),
      onComplete: () => this.#finish({}),
      onError: (error) => this.#fail(error),
    };
  }

  #started(controller: Pick<DispatchController, "abort" | "pause" | "resume">): void {
    this.#abort = (reason) => controller.abort(reason);
    this.#pause = () => controller.pause();
    this.#resume = () => controller.resume();
    this.#phase = "headers";
    if (this.#end !== undefined && "error" in this.#end) controller.abort(this.#end.error);
  }

  #headReceived(status: number, statusText: string, headers: ReceivedHeaders | HeaderFields): void {
    if (this.#end !== undefined) return;
    this.#phase = "body";
    this.#headers = headers;
    const { after } = this.#options;
    const { url } = this.#request;
    this.#stopLimits();
    this.#limit({ ...after, attempt: Infinity });
    this.#resolveHead(new StreamedResponse({ status, statusText, url: url.href, headers, body: this }));
  }

  /** Returns whether the reader takes more. */
  #dataReceived(chunk: Uint8Array): boolean {
    this.#received += chunk.length;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) reader.resolve(chunk);
    else if (this.#end === undefined) {
      this.#pieces.push(chunk);
      this.#bufferedBytes += chunk.length;
    }
    return this.#bufferedBytes < maxBufferedBytes;
  }

  #fail(error: unknown): void {
    const { url } = this.#request;
    const attempt = {
      target: url.host,
      hostname: url.hostname,
      timeouts: this.#options.timeouts,
      phase: this.#phase,
      mayHaveArrived: this.#phase !== "connect",
      received: this.#received,
      expected: contentLength(this.#headers),
    };
    this.#finish({ error: toAttemptError(error, attempt) });
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stopLimits();
    const reader = this.#reader;
    this.#reader = undefined;
    if (!("error" in end)) return reader?.resolve(undefined);
    this.#rejectHead(end.error);
    reader?.reject(end.error);
  }
}

/** Returns the headers as the caller wrote them, with those that describe the body. */
function writtenHeaders(request: HttpRequest): HeaderRecord {
  const { body, wireForm } = request;
  const given = requestHeaders(request);
  const isSized = body.kind === "factory" && body.length !== undefined;
  const headers = isSized ? { ...given, "content-length": String(body.length) } : given;
  return wireForm === undefined ? headers : withWrittenNames(headers, wireForm);
}

function text(bytes: unknown): string {
  return Buffer.isBuffer(bytes) ? bytes.toString("latin1") : String(bytes);
}
