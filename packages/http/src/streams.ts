import type { Adapter, SendOptions } from "./adapter.ts";
import { sourceOf } from "./body-source.ts";
import type { HttpRequest } from "./request.ts";
import type { Response } from "./response.ts";
import { StreamedResponse } from "./streamed-response.ts";

/** The streamed responses of one call: all but the one that the caller gets are let go when the call is settled. */
export class Streams {
  readonly #after: Pick<SendOptions, "deadline" | "signal">;
  readonly #open = new Set<StreamedResponse>();
  #settled = false;

  /** `after` bounds the body of the response that the caller gets, whatever bounded the attempt that brought it. */
  constructor(after: Pick<SendOptions, "deadline" | "signal">) {
    this.#after = after;
  }

  /** An adapter that sends through another one, and streams what comes. */
  through(adapter: Adapter): Adapter {
    return {
      retry: adapter.retry,
      send: (request, options) => this.#send(adapter, request, options),
      close: () => adapter.close(),
    };
  }

  /** Says how the call ended: with this response, or without one. */
  settle(kept?: Response): void {
    this.#settled = true;
    for (const response of this.#open) if (response !== kept) void response.discard();
    this.#open.clear();
  }

  async #send(adapter: Adapter, request: HttpRequest, options: SendOptions): Promise<StreamedResponse> {
    const response =
      adapter.stream === undefined
        ? wholeAsStream(await adapter.send(request, options))
        : await adapter.stream(request, { ...options, after: this.#after });
    if (this.#settled) void response.discard();
    else this.#open.add(response);
    return response;
  }
}

function wholeAsStream({ status, statusText, url, headers, content }: Response): StreamedResponse {
  return new StreamedResponse({
    status,
    statusText,
    url,
    headers: headers.toJSON(),
    body: sourceOf(content),
  });
}
