import type { Adapter, SendOptions } from "../adapter/adapter.ts";
import { sourceOf } from "../model/body-source.ts";
import type { Call } from "./call.ts";
import type { CallPlan } from "./context.ts";
import type { AttemptResult } from "./retry-policy.ts";
import { previewError } from "./error-preview.ts";
import type { HttpRequest } from "../model/request.ts";
import { type HttpResponse, attachCall, loadContent } from "../model/response.ts";
import { finalError, StreamResumption, type StreamResumptionOptions } from "../resume/streamed.ts";
import { StreamedResponse, discardBody } from "../model/streamed-response.ts";
import type { CallContext } from "./terms.ts";

/** Makes a call whose answer is streamed, and lets go of all its other answers. */
export async function streamResponse(
  terms: CallContext,
  resumption: StreamResumptionOptions,
  begin: (live: CallContext) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const streams = new ResponseStreams(terms, resumption);
  try {
    const response = await begin({ ...terms, streams });
    streams.settle(response);
    return response;
  } catch (error) {
    streams.settle();
    throw error;
  }
}

type Bounds = Pick<CallContext, "clock" | "deadline" | "signal" | "drain">;

/** The streamed responses of one call: all but the one that the caller gets are let go when the call is settled. */
export class ResponseStreams {
  readonly #after: Bounds;
  readonly #resumption: StreamResumption;
  readonly #open = new Set<StreamedResponse>();
  #settled = false;

  /** `after` bounds the body of the response that the caller gets, whatever bounded the attempt that brought it. */
  constructor(after: Bounds, resumption: StreamResumptionOptions = {}) {
    this.#after = after;
    this.#resumption = new StreamResumption(resumption);
  }

  /** An adapter that sends through another one, and streams what comes. */
  through(adapter: Adapter): Adapter {
    return {
      retry: adapter.retry,
      send: (request, options) =>
        this.#resumption.send(request, options, (asked, bounds) => this.#send(adapter, asked, bounds)),
      close: () => adapter.close(),
    };
  }

  /** How a call goes on for the rest of a body; `again` runs its rule again, whose first attempt is the one that broke off. */
  live(again: (call: Call, signal: AbortSignal) => Promise<AttemptResult>): NonNullable<CallPlan["live"]> {
    return {
      goOn: async (call, first, { error, given, signal }) => {
        try {
          if (!(await this.#resumption.recordInterruption(first, { error, given }))) return { error };
          const exchange = await this.#reopen(() => again(call, anySignal(this.#after.signal, signal)));
          if (exchange.response !== undefined) attachCall(exchange.response, call);
          const source = await this.#resumption.nextBody(exchange.response);
          return source === undefined ? { error: finalError(error, exchange.error) } : { source };
        } catch (ended) {
          // The caller's abort, or the closed session.
          return { error: ended };
        }
      },
    };
  }

  async #reopen(again: () => Promise<AttemptResult>): Promise<AttemptResult> {
    this.#settled = false;
    try {
      const exchange = await again();
      this.settle(exchange.response);
      return exchange;
    } catch (error) {
      this.settle();
      throw error;
    }
  }

  /** Says how the call ended: with this response, or without one. */
  settle(kept?: HttpResponse): void {
    this.#settled = true;
    for (const response of this.#open) if (response !== kept) void discardBody(response);
    this.#open.clear();
  }

  async #send(adapter: Adapter, request: HttpRequest, options: SendOptions): Promise<StreamedResponse> {
    const response =
      adapter.stream === undefined
        ? await toStreamedResponse(await adapter.send(request, options))
        : await this.#explained(await adapter.stream(request, { ...options, after: this.#after }), options);
    if (this.#settled) void discardBody(response);
    else this.#open.add(response);
    return response;
  }

  #explained(response: StreamedResponse, { timeouts, signal }: SendOptions): Promise<StreamedResponse> {
    const { clock, drain } = this.#after;
    const limit = Math.min(timeouts.read, timeouts.attempt);
    return previewError(response, { clock, limit, signal, drain });
  }
}

function anySignal(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  return first === undefined ? second : AbortSignal.any([first, second]);
}

async function toStreamedResponse(response: HttpResponse): Promise<StreamedResponse> {
  await loadContent(response);
  const { status, statusText, url, headers, content } = response;
  return new StreamedResponse({
    status,
    statusText,
    url,
    headers: headers.toJSON(),
    body: sourceOf(content),
    preview: content,
  });
}
