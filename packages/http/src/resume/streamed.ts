import { DeadlineExceededError } from "@holdfast/policy";
import type { SendOptions } from "../adapter/adapter.ts";
import { sourceOf, type BodySource } from "../model/body-source.ts";
import { BodyTooLargeError, ProtocolError } from "../errors/transport-errors.ts";
import { type InterruptedBody, releaseBodySource } from "../model/body-stream.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import { type HttpResponse, StatusError } from "../model/response.ts";
import { StreamedResponse, discardBody } from "../model/streamed-response.ts";
import { continuedBy, markContinued } from "./continued.ts";
import {
  heldOf,
  judge,
  lengthOf,
  mayAskForRest,
  restHeaders,
  wholeLength,
  type Held,
  type Judgement,
} from "./continuation.ts";
import { exactly, type Exactly } from "./exact-source.ts";
import { FalseBodyError, LostBodyError, MovedError } from "./resume-errors.ts";

/** Sends a request once and gives the answer with its body still to come. */
export type Open = (request: HttpRequest, options: SendOptions) => Promise<StreamedResponse>;

/** What is done with a body whose beginning is elsewhere already. */
export interface StreamResumptionOptions {
  /** What is held from before, in a file. @default nothing */
  readonly held?: Held | undefined;
  /**
   * Hears that the body begins anew with this answer, before its first byte is read. Without it no body does: what was
   * given out cannot be taken back.
   */
  readonly restart?: ((response: StreamedResponse) => Promise<void>) | undefined;
  /** Hears that the body which came was not what its head said: nothing of it, nor of what it carried on, may be kept. */
  readonly distrust?: (() => Promise<void>) | undefined;
}

const nothing = new Uint8Array(0);

/** What is thrown for a body that did not go on: how it broke off, unless what ended the search says more. */
export function finalOf(broke: unknown, last: unknown): unknown {
  return last instanceof LostBodyError || last instanceof DeadlineExceededError ? last : broke;
}

/** How one body goes on when it breaks off: what is held of it, and which answers carry it on. */
export class StreamResumption {
  readonly #restart: StreamResumptionOptions["restart"];
  readonly #distrust: StreamResumptionOptions["distrust"];
  #held: Held | undefined;
  /** The answer whose body is being read, and where in the whole that body begins. */
  #carrier: HttpResponse | undefined;
  #base = 0;

  constructor({ held, restart, distrust }: StreamResumptionOptions = {}) {
    this.#held = held;
    this.#restart = restart;
    this.#distrust = distrust;
  }

  /** Sends a request, for the rest where something is held, and gives what may be read on from there. */
  async send(request: HttpRequest, options: SendOptions, open: Open): Promise<StreamedResponse> {
    const held = this.#held;
    const whole = (): Promise<StreamedResponse> => this.#whole(request, options, open);
    if (held === undefined || !mayAskForRest(request, held)) return whole();
    const headers = { ...request.headers, ...restHeaders(held) };
    const response = await open({ ...request, headers }, options);
    const judgement = judge(held, response);
    if (judgement.means === "append" && judgement.total > options.maxBytes) {
      response.cancel();
      throw new BodyTooLargeError(options.maxBytes);
    }
    const asked = { held, request: { ...request, headers }, response, judgement };
    return carryingOn(held, response, judgement) ?? this.#beginAnew(asked, options.observer, whole);
  }

  /** Asks for the whole. What is to be a file must not be a part that nobody asked for. */
  async #whole(request: HttpRequest, options: SendOptions, open: Open): Promise<StreamedResponse> {
    const response = await open(request, options);
    if (this.#restart === undefined || response.status !== 206 || "range" in request.headers) return response;
    await discardBody(response);
    throw new ProtocolError("The server sent a part (206) though the whole was asked for", {
      phase: "headers",
      mayHaveArrived: true,
    });
  }

  /** Takes note that the body of an answer broke off after so many bytes; whether it may be carried on. */
  async broke(
    first: HttpResponse,
    { error, given }: Pick<InterruptedBody, "error" | "given">,
  ): Promise<boolean> {
    if (error instanceof FalseBodyError) return this.#disown();
    const carrier = this.#carrier ?? first;
    const continued = continuedBy(carrier);
    if (this.#carrier === undefined) this.#base = continued?.offset ?? 0;
    this.#carrier = carrier;
    this.#base += given;
    if (continued === undefined) this.#held = heldOf(carrier, carrier.url, this.#base);
    else if (this.#held !== undefined)
      this.#held = { ...this.#held, offset: this.#base, total: continued.total };
    return this.#held !== undefined || this.#restart !== undefined;
  }

  /** A server that lies once about a representation is not asked for the rest of it again. */
  async #disown(): Promise<boolean> {
    this.#held = undefined;
    await this.#distrust?.();
    return this.#restart !== undefined;
  }

  /**
   * The body that goes on with this answer; undefined when it does not.
   *
   * @throws StatusError for an answer that is no success, where a body may begin anew: for a redirect a MovedError.
   */
  async carryOn(response: HttpResponse | undefined): Promise<BodySource | undefined> {
    if (!(response instanceof StreamedResponse)) return undefined;
    const continued = continuedBy(response);
    if (this.#restart !== undefined && continued === undefined && !response.ok) throw await refusal(response);
    if (continued === undefined && (this.#restart === undefined || response.status !== 200)) {
      await discardBody(response);
      return undefined;
    }
    this.#carrier = response;
    if (continued === undefined) await this.#startOver(response);
    return releaseBodySource(response.body);
  }

  async #startOver(response: StreamedResponse): Promise<void> {
    this.#base = 0;
    try {
      await this.#restart?.(response);
    } catch (error) {
      response.cancel(error);
      throw error;
    }
  }

  async #beginAnew(
    { held, request, response, judgement }: Judged,
    observer: SendOptions["observer"],
    open: () => Promise<StreamedResponse>,
  ): Promise<StreamedResponse> {
    if (judgement.means === "pass") return response;
    if (judgement.means === "replace") {
      if (this.#restart !== undefined) return ofKnownLength(held, response);
      const carried = carryingOnWhole(held, response);
      if (carried !== undefined) return carried;
    }
    await discardBody(response);
    const reason = judgement.means === "restart" ? judgement.reason : "the server sent another version";
    await observer?.discard?.({ status: response.status, reason }, { request, response });
    if (this.#restart !== undefined) return open();
    throw lostBody(held, reason);
  }
}

/** What came when the rest was asked for. */
interface Judged {
  readonly held: Held;
  readonly request: HttpRequest;
  readonly response: StreamedResponse;
  readonly judgement: Judgement;
}

async function refusal(response: StreamedResponse): Promise<StatusError> {
  await discardBody(response);
  return isRedirectStatus(response.status) ? new MovedError(response) : new StatusError(response);
}

function lostBody({ offset, total }: Held, reason: string): LostBodyError {
  return new LostBodyError(offset, total, { cause: new Error(`It cannot be resumed: ${reason}`) });
}

/** An answer as a continuation, where it is one. */
function carryingOn(
  held: Held,
  response: StreamedResponse,
  judgement: Judgement,
): StreamedResponse | undefined {
  if (judgement.means === "append") {
    const { length, total } = judgement;
    return continuation(response, { ...held, total }, { skip: 0, length });
  }
  return judgement.means === "complete" ? continuation(response, held, "nothing") : undefined;
}

/** The whole once more, by its validator: whoever cannot begin anew reads it from behind what is held. */
function carryingOnWhole(held: Held, response: StreamedResponse): StreamedResponse | undefined {
  const again = heldOf(response, response.url, held.offset);
  if (again?.validator !== held.validator) return undefined;
  const total = again.total ?? held.total;
  const length = total === undefined ? undefined : total - held.offset;
  return continuation(response, { ...again, total }, { skip: held.offset, length });
}

/** The whole once more: where its head does not say how long it is, it must be as long as it was. */
function ofKnownLength(held: Held, response: StreamedResponse): StreamedResponse {
  const length = wholeLength(held, response.headers);
  if (length === undefined || lengthOf(response.headers) !== undefined) return response;
  const { status, statusText, url, headers } = response;
  const body = exactly(releaseBodySource(response.body), { skip: 0, length });
  return new StreamedResponse({ status, statusText, url, headers: headers.toJSON(), body });
}

function continuation(
  response: StreamedResponse,
  { offset, total }: Held,
  rest: Exactly | "nothing",
): StreamedResponse {
  const { status, statusText, url } = response;
  const body = releaseBodySource(response.body);
  if (rest === "nothing") body.cancel(new Error("Nothing is missing"));
  const carried = new StreamedResponse({
    status: rest === "nothing" ? 206 : status,
    statusText,
    url,
    headers: response.headers.toJSON(),
    body: rest === "nothing" ? sourceOf(nothing) : exactly(body, rest),
  });
  return markContinued(carried, { offset, total, status });
}
