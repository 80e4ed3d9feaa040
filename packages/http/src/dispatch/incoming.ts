import { Readable } from "node:stream";
import type { DispatchController, DispatchOptions, ModernHandler, ReceivedHeaders } from "./contract.ts";
import { dispatchThrough, type Engine, type KnownRequest } from "./engine.ts";

/** A response as code for node:http reads it: its body as it was sent, with its content coding. */
export class IncomingResponse extends Readable {
  readonly statusCode: number;
  readonly statusMessage: string;
  /** Names in lower case. */
  readonly headers: Record<string, string | string[]> = {};
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion = "1.1";
  readonly httpVersionMajor = 1;
  readonly httpVersionMinor = 1;
  readonly trailers: Readonly<Record<string, string>> = {};
  readonly rawTrailers: readonly string[] = [];
  /** Whether the whole body has arrived. */
  complete = false;
  aborted = false;
  readonly #controller: DispatchController;

  constructor(controller: DispatchController, status: number, statusText: string) {
    super({ highWaterMark: 64 * 1024 });
    this.#controller = controller;
    this.statusCode = status;
    this.statusMessage = statusText;
    this.rawHeaders = (controller.rawHeaders ?? []).map((buffer) => buffer.toString("latin1"));
  }

  /** Sets the headers. As in node:http, only Set-Cookie has a list of values. */
  setHeaders(headers: ReceivedHeaders): this {
    for (const [name, value] of Object.entries(headers))
      if (name === "set-cookie") this.headers[name] = [value].flat();
      else this.headers[name] = typeof value === "string" ? value : value.join(", ");
    return this;
  }

  override _read(): void {
    this.#controller.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.complete) {
      this.aborted = true;
      this.#controller.abort(error ?? new DOMException("The response was destroyed", "AbortError"));
    }
    callback(error);
  }

  /** Does nothing: the limits of the session apply. */
  setTimeout(): this {
    return this;
  }
}

/** The request of a client that is not a fetch, and the signal that aborts it. */
export interface IncomingRequest extends DispatchOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request through the engine. Resolves with the last response as soon as its head has arrived.
 *
 * @throws as a call of the session does; the reason of the signal.
 */
export function sendForIncoming(
  engine: Engine,
  { signal, ...options }: IncomingRequest,
  known?: KnownRequest,
): Promise<IncomingResponse> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    let response: IncomingResponse | undefined;
    let stopListening = (): void => undefined;
    const handler: ModernHandler = {
      onRequestStart: (controller) => {
        const abort = (): void => controller.abort(signal?.reason);
        signal?.addEventListener("abort", abort, { once: true });
        stopListening = () => signal?.removeEventListener("abort", abort);
      },
      onResponseStart: (controller, status, ...[headers, statusText = ""]) => {
        response = new IncomingResponse(controller, status, statusText).setHeaders(headers);
        resolve(response);
      },
      onResponseData: (controller, chunk) => {
        if (response?.push(chunk) === false) controller.pause();
      },
      onResponseEnd: () => {
        stopListening();
        if (response === undefined) return;
        response.complete = true;
        response.push(null);
      },
      onResponseError: (_controller, error) => {
        stopListening();
        if (response === undefined) return reject(error);
        // A destroyed response has already ended for its reader.
        if (!response.destroyed) response.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    };
    dispatchThrough(engine, [options, handler], known);
  });
}
