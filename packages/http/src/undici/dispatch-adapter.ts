import type { Clock } from "@holdfast/policy";
import type { Adapter, SendOptions, StreamOptions } from "../adapter/adapter.ts";
import type { Dispatch } from "../dispatch/contract.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";
import { DispatchedExchange } from "./dispatched-exchange.ts";

/** Sends through another dispatcher, which opens the connections. */
export class DispatchAdapter implements Adapter {
  readonly #dispatch: Dispatch;
  readonly #clock: Clock;

  constructor(dispatch: Dispatch, clock: Clock) {
    this.#dispatch = dispatch;
    this.#clock = clock;
  }

  async send(request: HttpRequest, options: SendOptions): Promise<HttpResponse> {
    const response = await this.stream(request, { ...options, after: options });
    const { status, statusText, url, headers } = response;
    return new HttpResponse({
      status,
      statusText,
      url,
      headers: headers.toJSON(),
      content: await response.bytes(),
    });
  }

  stream(request: HttpRequest, options: StreamOptions): Promise<StreamedResponse> {
    return new DispatchedExchange(request, options, this.#clock).send(this.#dispatch);
  }

  /** Does nothing: the other dispatcher owns its connections. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
