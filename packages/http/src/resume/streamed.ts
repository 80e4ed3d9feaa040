import { DeadlineExceededError } from "@holdfast/policy";
import type { SendOptions } from "../adapter/adapter.ts";
import { findVerifier, verifiedSource, type DigestVerifier } from "../adapter/verify-digest.ts";
import { toBodySource, type BodySource } from "../model/body-source.ts";
import { DigestError } from "../errors/file-errors.ts";
import { BodyTooLargeError, ProtocolError } from "../errors/transport-errors.ts";
import type { InterruptedBody } from "../model/body-reader.ts";
import { isRedirectStatus } from "../model/redirect-request.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse, StatusError } from "../model/response.ts";
import {
  StreamedResponse,
  discardBody,
  releaseBodySource,
  toStatusError,
} from "../model/streamed-response.ts";
import {
  findContinuation,
  markContinuation,
  toPartialRepresentation,
  evaluateReply,
  declaredLength,
  canRequestRest,
  rangeHeaders,
  expectedLength,
  type PartialRepresentation,
  type RangeReply,
} from "./continuation.ts";
import { withExactLength, type BodyExtent } from "./exact-source.ts";
import { CorruptBodyError, UnresumableBodyError, RedirectedResumeError } from "./resume-errors.ts";

/** Sends a request once and resolves with the response before its body is read. */
export type OpenStream = (request: HttpRequest, options: SendOptions) => Promise<StreamedResponse>;

/** Options of a stream that continues a body or restarts it. */
export interface StreamResumptionOptions {
  /** The part that a file holds from before. @default undefined */
  readonly partial?: PartialRepresentation | undefined;
  /**
   * Called when the body restarts with this response, before its first byte is read. Without this function the body never
   * restarts, since bytes that the reader received cannot be taken back.
   */
  readonly restart?: ((response: StreamedResponse) => Promise<void>) | undefined;
  /** Whether a 206 to a request without `Range` is an error. @default true with `restart` */
  readonly requiresWhole?: boolean | undefined;
  /** Called when the body contradicted its head, so that neither its bytes nor the part before them may be kept. */
  readonly invalidatePartial?: (() => Promise<void>) | undefined;
}

const noBytes = new Uint8Array(0);

/** Returns the error for a body that could not be continued: the interruption, unless the last error is more specific. */
export function finalError(broke: unknown, last: unknown): unknown {
  return last instanceof UnresumableBodyError || last instanceof DeadlineExceededError ? last : broke;
}

/** Continues one body after interruptions: keeps the position and decides which responses continue it. */
export class StreamResumption {
  readonly #restart: StreamResumptionOptions["restart"];
  readonly #invalidatePartial: StreamResumptionOptions["invalidatePartial"];
  readonly #requiresWhole: boolean;
  #partial: PartialRepresentation | undefined;
  /** The response that is being read, and the offset of that body in the whole. */
  #source: HttpResponse | undefined;
  #base = 0;
  /** Verifies the digest of the whole body. Undefined for a body that is not verified. */
  #verifier: DigestVerifier | undefined;

  constructor({ partial, restart, invalidatePartial, requiresWhole }: StreamResumptionOptions = {}) {
    this.#partial = partial;
    this.#restart = restart;
    this.#requiresWhole = requiresWhole ?? restart !== undefined;
    this.#invalidatePartial = invalidatePartial;
  }

  /** Sends a request, as a range request if a part of the body is known, and resolves with a response to read from that offset. */
  async send(request: HttpRequest, options: SendOptions, open: OpenStream): Promise<StreamedResponse> {
    const partial = this.#partial;
    const whole = (): Promise<StreamedResponse> => this.#whole(request, options, open);
    if (partial === undefined || !canRequestRest(request, partial)) return whole();
    const headers = { ...request.headers, ...rangeHeaders(partial) };
    const response = await open({ ...request, headers }, options);
    const judgement = evaluateReply(partial, response);
    if (judgement.means === "append" && judgement.total > options.maxBytes) {
      response.cancel();
      throw new BodyTooLargeError(options.maxBytes);
    }
    const exchange = { partial, request: { ...request, headers }, response, judgement };
    return (
      toContinuation(partial, response, judgement) ?? this.#restartBody(exchange, options.observer, whole)
    );
  }

  /** Requests the whole. A file must not be written from a 206 that was not requested. */
  async #whole(request: HttpRequest, options: SendOptions, open: OpenStream): Promise<StreamedResponse> {
    const response = await open(request, options);
    if (!this.#requiresWhole || response.status !== 206 || "range" in request.headers) return response;
    await discardBody(response);
    throw new ProtocolError("The server sent 206 Partial Content for a request without Range", {
      phase: "headers",
      mayHaveArrived: true,
    });
  }

  /** Records that the body broke off after `given` bytes. Resolves with whether it can continue. */
  async recordInterruption(
    first: HttpResponse,
    { error, given }: Pick<InterruptedBody, "error" | "given">,
  ): Promise<boolean> {
    if (error instanceof CorruptBodyError || error instanceof DigestError) return this.#dropPartial();
    const source = this.#source ?? first;
    const continued = findContinuation(source);
    if (this.#source === undefined) {
      this.#base = continued?.offset ?? 0;
      this.#verifier = findVerifier(source);
    }
    this.#source = source;
    this.#base += given;
    if (continued === undefined) this.#partial = toPartialRepresentation(source, source.url, this.#base);
    else if (this.#partial !== undefined)
      this.#partial = { ...this.#partial, offset: this.#base, total: continued.total };
    return this.#partial !== undefined || this.#restart !== undefined;
  }

  /** Drops the part: a server that once contradicted its own head gets no further range request. */
  async #dropPartial(): Promise<boolean> {
    this.#partial = undefined;
    await this.#invalidatePartial?.();
    return this.#restart !== undefined;
  }

  /**
   * Resolves with the body that continues with this response, or undefined if the response does not continue it.
   *
   * @throws StatusError if the body may restart and the response is not a success. For a redirect, its subclass
   * RedirectedResumeError.
   */
  async nextBody(response: HttpResponse | undefined): Promise<BodySource | undefined> {
    if (!(response instanceof StreamedResponse)) return undefined;
    const continued = findContinuation(response);
    if (this.#restart !== undefined && continued === undefined && !response.ok)
      throw await statusErrorOf(response);
    if (continued === undefined && (this.#restart === undefined || response.status !== 200)) {
      await discardBody(response);
      return undefined;
    }
    this.#source = response;
    if (continued === undefined) await this.#startOver(response);
    const source = releaseBodySource(response);
    // A response that restarts the body verifies its own bytes.
    return continued === undefined ? source : this.#verified(source);
  }

  #verified(source: BodySource): BodySource {
    const verifier = this.#verifier;
    return verifier?.bytes === this.#base ? verifiedSource(source, verifier) : source;
  }

  async #startOver(response: StreamedResponse): Promise<void> {
    this.#base = 0;
    this.#verifier = findVerifier(response);
    try {
      await this.#restart?.(response);
    } catch (error) {
      response.cancel(error);
      throw error;
    }
  }

  async #restartBody(
    { partial, request, response, judgement }: RangeExchange,
    observer: SendOptions["observer"],
    open: () => Promise<StreamedResponse>,
  ): Promise<StreamedResponse> {
    if (judgement.means === "pass") return response;
    if (judgement.means === "replace") {
      if (this.#restart !== undefined) return requireExpectedLength(partial, response);
      const continued = toContinuationFromStart(partial, response);
      if (continued !== undefined) return continued;
    }
    await discardBody(response);
    const reason = judgement.means === "restart" ? judgement.reason : "the server sent another version";
    await observer?.discard?.({ status: response.status, reason }, { request, response });
    if (this.#restart !== undefined) return open();
    throw unresumable(partial, reason);
  }
}

/** A range request, its response, and the meaning of the response. */
interface RangeExchange {
  readonly partial: PartialRepresentation;
  readonly request: HttpRequest;
  readonly response: StreamedResponse;
  readonly judgement: RangeReply;
}

async function statusErrorOf(response: StreamedResponse): Promise<StatusError> {
  if (!isRedirectStatus(response.status)) return toStatusError(response);
  await discardBody(response);
  return new RedirectedResumeError(response);
}

function unresumable({ offset, total }: PartialRepresentation, reason: string): UnresumableBodyError {
  return new UnresumableBodyError(offset, total, { cause: new Error(`It cannot be resumed: ${reason}`) });
}

/** Wraps a response that appends to the part or completes it. Returns undefined for any other response. */
function toContinuation(
  partial: PartialRepresentation,
  response: StreamedResponse,
  judgement: RangeReply,
): StreamedResponse | undefined {
  if (judgement.means === "append") {
    const { length, total } = judgement;
    return createContinuation(response, { ...partial, total }, { skip: 0, length });
  }
  return judgement.means === "complete" ? createContinuation(response, partial, "nothing") : undefined;
}

/** Wraps a whole representation with the same validator, skipping the bytes that are here already. */
function toContinuationFromStart(
  partial: PartialRepresentation,
  response: StreamedResponse,
): StreamedResponse | undefined {
  const again = toPartialRepresentation(response, response.url, partial.offset);
  if (again?.validator !== partial.validator) return undefined;
  const total = again.total ?? partial.total;
  const length = total === undefined ? undefined : total - partial.offset;
  return createContinuation(response, { ...again, total }, { skip: partial.offset, length });
}

/** Requires the earlier length of a whole representation if its head has no length. */
function requireExpectedLength(partial: PartialRepresentation, response: StreamedResponse): StreamedResponse {
  const length = expectedLength(partial, response.headers);
  if (length === undefined || declaredLength(response.headers) !== undefined) return response;
  const { status, statusText, url, headers } = response;
  const body = withExactLength(releaseBodySource(response), { skip: 0, length });
  return new StreamedResponse({ status, statusText, url, headers: headers.toJSON(), body });
}

function createContinuation(
  response: StreamedResponse,
  { offset, total }: PartialRepresentation,
  rest: BodyExtent | "nothing",
): StreamedResponse {
  const { status, statusText, url } = response;
  const body = releaseBodySource(response);
  if (rest === "nothing") body.cancel(new Error("Nothing is missing"));
  const continued = new StreamedResponse({
    status: rest === "nothing" ? 206 : status,
    statusText,
    url,
    headers: response.headers.toJSON(),
    body: rest === "nothing" ? toBodySource(noBytes) : withExactLength(body, rest),
  });
  return markContinuation(continued, { offset, total, status });
}
