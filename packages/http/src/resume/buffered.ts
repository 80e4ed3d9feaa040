import { discardBody } from "../model/streamed-response.ts";
import type { Adapter, SendOptions } from "../adapter/adapter.ts";
import { verifyBody } from "../adapter/verify-digest.ts";
import { summarizeError } from "../model/attempt-record.ts";
import type { BodyShare } from "../model/body-budget.ts";
import { takePartialBody, attachPartialBody, type PartialBody } from "../model/partial-body.ts";
import { BodyTooLargeError, TransportError } from "../errors/transport-errors.ts";
import { ResponseHeaders } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import {
  findContinuation,
  markContinuation,
  toPartialRepresentation,
  evaluateReply,
  canRequestRest,
  rangeHeaders,
  expectedLength,
  type PartialRepresentation,
  type RangeReply,
} from "./continuation.ts";

/** The received part of a body, and its description for a range request. */
interface ResumablePart {
  readonly broken: PartialBody;
  readonly partial: PartialRepresentation;
}

/**
 * Returns an adapter that requests the missing bytes of a broken body and resolves with the whole under its original head. If a
 * response does not prove to continue the body, the adapter discards it and requests the whole immediately.
 *
 * An error carries all bytes that are proven so far, for the next attempt.
 */
export function resumingAdapter(adapter: Adapter, broken: PartialBody): Adapter {
  const partial = toPartial(broken);
  if (partial === undefined) return adapter;
  return {
    retry: adapter.retry,
    send: (request, options) =>
      canRequestRest(request, partial)
        ? requestRest(adapter, { broken, partial }, { request, options })
        : adapter.send(request, options),
    ...(adapter.testTunnel !== undefined && { testTunnel: adapter.testTunnel.bind(adapter) }),
    close: () => adapter.close(),
  };
}

/** Takes the partial body from an error, if the missing bytes can be requested. */
export function takeResumableBody(error: unknown): PartialBody | undefined {
  const broken = takePartialBody(error);
  return broken !== undefined && toPartial(broken) !== undefined ? broken : undefined;
}

/** Returns the part of a body that the next attempt continues; undefined when there is no memory to keep it. */
export function keepPart(
  memory: BodyShare | undefined,
  part: PartialBody | undefined,
): PartialBody | undefined {
  if (memory === undefined) return part;
  return memory.keep(part === undefined ? 0 : totalLength(part.chunks)) ? part : undefined;
}

function toPartial({ status, headers, url, chunks }: PartialBody): PartialRepresentation | undefined {
  return toPartialRepresentation({ status, headers: new ResponseHeaders(headers) }, url, totalLength(chunks));
}

interface SentRequest {
  readonly request: HttpRequest;
  readonly options: SendOptions;
}

async function requestRest(
  adapter: Adapter,
  part: ResumablePart,
  { request, options }: SentRequest,
): Promise<HttpResponse> {
  const rangeRequest = { ...request, headers: { ...request.headers, ...rangeHeaders(part.partial) } };
  const { observer } = options;
  const reply = await adapter.send(rangeRequest, options).catch(async (error: unknown) => {
    if (attachProven(part, error)) throw error;
    await observer?.discard?.({ reason: summarizeError(error).message });
    return undefined;
  });
  if (reply === undefined) return adapter.send(request, options);
  const joined = verified(joinParts(part, reply, options.maxBytes), { part, request, options });
  if (typeof joined === "object") return joined;
  await observer?.discard?.(
    { status: reply.status, reason: joined },
    { request: rangeRequest, response: reply },
  );
  void discardBody(reply);
  return adapter.send(request, options);
}

/** Returns the joined response unless it does not match the digest of the whole. Then one of its parts was damaged. */
function verified(
  joined: HttpResponse | string,
  { part: { broken }, request: { method }, options }: SentRequest & { readonly part: ResumablePart },
): HttpResponse | string {
  if (options.verifyDigest !== true || typeof joined === "string") return joined;
  if (findContinuation(joined) === undefined) return joined;
  try {
    verifyBody(joined.content, { status: broken.status, headers: broken.headers, url: joined.url, method });
    return joined;
  } catch (error) {
    return summarizeError(error).message;
  }
}

/** Returns the joined response, the unchanged response, or a string with the reason to request the whole again. */
function joinParts(part: ResumablePart, response: HttpResponse, maxBytes: number): HttpResponse | string {
  const judgement = evaluateReply(part.partial, response);
  switch (judgement.means) {
    case "append":
      if (response.content.length !== judgement.length) return "the rest is not as long as it should be";
      return joinWhole(part, response, maxBytes);
    case "complete":
      return joinWhole(part, response, maxBytes);
    case "restart":
      return judgement.reason;
    case "replace": {
      const { length } = response.content;
      return length === (expectedLength(part.partial, response.headers) ?? length)
        ? response
        : "the length of the whole changed";
    }
    case "pass":
      return response;
  }
}

function joinWhole(
  { broken, partial: { offset } }: ResumablePart,
  response: HttpResponse,
  maxBytes: number,
): HttpResponse {
  const rest = response.status === 206 ? [response.content] : [];
  const content = Buffer.concat([...broken.chunks, ...rest]);
  if (content.length > maxBytes) throw new BodyTooLargeError(maxBytes);
  const { status, statusText } = broken;
  // Cookies belong to a response, not to the representation: those of both responses count.
  const cookies = [...new ResponseHeaders(broken.headers).getSetCookie(), ...response.headers.getSetCookie()];
  const headers = cookies.length === 0 ? broken.headers : { ...broken.headers, "set-cookie": cookies };
  const joined = new HttpResponse({ status, statusText, url: response.url, headers, content });
  return markContinuation(joined, { offset, total: content.length, status: response.status });
}

/** Attaches the part, and the continuation that arrived, to an error. Returns false if the bytes did not continue the part. */
function attachProven({ broken, partial }: ResumablePart, error: unknown): boolean {
  const further = takePartialBody(error);
  if (further === undefined) {
    attachPartialBody(error, broken);
    // A body that arrived whole but failed to decode does not continue the part: the first part was not encoded.
    return !(error instanceof TransportError) || error.phase !== "body";
  }
  const judgement = evaluateReply(partial, {
    status: further.status,
    headers: new ResponseHeaders(further.headers),
  });
  const proven = provenParts({ broken, further }, judgement);
  if (proven !== undefined) attachPartialBody(error, proven);
  return proven !== undefined;
}

interface TwoParts {
  readonly broken: PartialBody;
  readonly further: PartialBody;
}

/** Returns the parts that are proven to belong to one body. `further` answered the range request for the rest. */
function provenParts({ broken, further }: TwoParts, judgement: RangeReply): PartialBody | undefined {
  switch (judgement.means) {
    case "append":
      if (totalLength(further.chunks) > judgement.length) return undefined;
      return { ...broken, chunks: [...broken.chunks, ...further.chunks] };
    case "replace":
      return further;
    case "pass":
      return broken;
    case "complete":
    case "restart":
      return undefined;
  }
}

function totalLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((bytes, { length }) => bytes + length, 0);
}
