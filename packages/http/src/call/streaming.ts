import type { Adapter, SendOptions } from "../adapter/adapter.ts";
import { toBodySource } from "../model/body-source.ts";
import type { BodyMemory } from "../model/body-memory.ts";
import type { BodyContinuation, InterruptedBody } from "../model/body-reader.ts";
import type { HttpRequest } from "../model/request.ts";
import { attachCall, loadContent, type CallInfo, type HttpResponse } from "../model/response.ts";
import { discardBody, StreamedResponse } from "../model/streamed-response.ts";
import { finalError, StreamResumption, type StreamResumptionOptions } from "../resume/streamed.ts";
import type { AttemptResult, CallRules } from "./attempt.ts";
import type { CallContext, CallStreams } from "./context.ts";
import { previewError } from "./error-preview.ts";
import { holdBody, mayRequestAgain } from "./hold-body.ts";
import type { Retry } from "../retry/retry.ts";
import type { RetryLoop } from "./retry-loop.ts";

/** The limits of a streamed body, once the caller has its response. */
type BodyBounds = Pick<CallContext, "clock" | "deadline" | "signal" | "drain" | "isFetch">;

/** The parts that continue a body. */
export interface StreamParts {
  /** Makes the attempts that continue a body which broke off. */
  readonly loop: RetryLoop;
  readonly resumption: StreamResumptionOptions;
  /** Memory for the pieces of the bodies. @default new memory for each piece */
  readonly bodyMemory?: BodyMemory | undefined;
}

/** The streamed responses of one call. When the call has ended, every response but the returned one is discarded. */
export class ResponseStreams implements CallStreams {
  readonly #bounds: BodyBounds;
  readonly #loop: RetryLoop;
  readonly #resumption: StreamResumption;
  readonly #bodyMemory: BodyMemory | undefined;
  readonly #open = new Set<StreamedResponse>();
  #isSettled = false;

  /** `bounds` limit the body of the returned response, whatever limited the attempt that brought it. */
  constructor(bounds: BodyBounds, { loop, resumption, bodyMemory }: StreamParts) {
    this.#bounds = bounds;
    this.#loop = loop;
    this.#resumption = new StreamResumption(resumption);
    this.#bodyMemory = bodyMemory;
  }

  through(adapter: Adapter, retry: Retry): Adapter {
    const send = (request: HttpRequest, options: SendOptions): Promise<StreamedResponse> =>
      this.#bounds.isFetch && mayRequestAgain(request, retry)
        ? this.#sendHeld(adapter, request, options)
        : this.#send(adapter, request, options);
    return {
      retry: adapter.retry,
      send: (request, options) => this.#resumption.send(request, options, send),
      ...(adapter.testTunnel !== undefined && { testTunnel: adapter.testTunnel.bind(adapter) }),
      close: () => adapter.close(),
    };
  }

  async continueBody(
    call: CallRules & CallInfo,
    first: HttpResponse,
    { error, given, signal }: InterruptedBody,
  ): Promise<BodyContinuation> {
    try {
      if (!(await this.#resumption.recordInterruption(first, { error, given }))) return { error };
      const result = await this.#runAgain(call, anySignal(this.#bounds.signal, signal));
      if (result.response !== undefined) attachCall(result.response, call);
      const source = await this.#resumption.nextBody(result.response);
      return source === undefined ? { error: finalError(error, result.error) } : { source };
    } catch (ended) {
      // The caller aborted, or the session was closed.
      return { error: ended };
    }
  }

  /** Ends the call with this response, or without one. */
  settle(returned?: HttpResponse): void {
    this.#isSettled = true;
    for (const response of this.#open) if (response !== returned) void discardBody(response);
    this.#open.clear();
  }

  /** Runs the retry loop of the call again; its first attempt is the one with the broken body. */
  async #runAgain(call: CallRules, signal: AbortSignal): Promise<AttemptResult> {
    this.#isSettled = false;
    try {
      const result = await this.#loop.run(call, { ...this.#bounds, signal });
      this.settle(result.response);
      return result;
    } catch (error) {
      this.settle();
      throw error;
    }
  }

  async #send(adapter: Adapter, request: HttpRequest, options: SendOptions): Promise<StreamedResponse> {
    const response =
      adapter.stream === undefined
        ? await toStreamedResponse(await adapter.send(request, options))
        : await this.#preview(
            await adapter.stream(request, { ...options, after: this.#bounds, bodyMemory: this.#bodyMemory }),
            options,
          );
    if (this.#isSettled) void discardBody(response);
    else this.#open.add(response);
    return response;
  }

  /** Sends a request of a fetch, which cannot take the head of a response back. */
  async #sendHeld(adapter: Adapter, request: HttpRequest, options: SendOptions): Promise<StreamedResponse> {
    const response = await this.#send(adapter, request, options);
    const { clock, drain } = this.#bounds;
    return holdBody(response, { clock, signal: options.signal, drain });
  }

  #preview(response: StreamedResponse, { timeouts, signal }: SendOptions): Promise<StreamedResponse> {
    const { clock, drain } = this.#bounds;
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
    body: toBodySource(content),
    preview: content,
  });
}
