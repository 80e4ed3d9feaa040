import { discardBody } from "../model/streamed-response.ts";
import type { Adapter, SendOptions } from "../adapter/adapter.ts";
import { summarizeError } from "../model/attempt-record.ts";
import { takePartialBody, attachPartialBody, type PartialBody } from "../model/partial-body.ts";
import { BodyTooLargeError, TransportError } from "../errors/transport-errors.ts";
import { ResponseHeaders } from "../model/headers.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import { markContinued } from "./continued.ts";
import {
  heldOf,
  judge,
  mayAskForRest,
  restHeaders,
  wholeLength,
  type Held,
  type Judgement,
} from "./continuation.ts";

/** A part of a body, and what is known of it. */
interface Part {
  readonly broken: PartialBody;
  readonly held: Held;
}

/**
 * An adapter that asks for the rest of a broken body, and gives the whole under the head that it began with. What is not
 * proven to be the rest is not used: the whole is asked for at once.
 *
 * An error leaves all that is proven so far, for the next attempt.
 */
export function continuing(adapter: Adapter, broken: PartialBody): Adapter {
  const held = heldOfBroken(broken);
  if (held === undefined) return adapter;
  return {
    retry: adapter.retry,
    send: (request, options) =>
      mayAskForRest(request, held)
        ? sendForRest(adapter, { broken, held }, { request, options })
        : adapter.send(request, options),
    close: () => adapter.close(),
  };
}

/** Takes what an error left of a body, if the rest of it can be asked for. */
export function takeResumable(error: unknown): PartialBody | undefined {
  const broken = takePartialBody(error);
  return broken !== undefined && heldOfBroken(broken) !== undefined ? broken : undefined;
}

function heldOfBroken({ status, headers, url, chunks }: PartialBody): Held | undefined {
  return heldOf({ status, headers: new ResponseHeaders(headers) }, url, bytesIn(chunks));
}

interface Sending {
  readonly request: HttpRequest;
  readonly options: SendOptions;
}

async function sendForRest(
  adapter: Adapter,
  part: Part,
  { request, options }: Sending,
): Promise<HttpResponse> {
  const asked = { ...request, headers: { ...request.headers, ...restHeaders(part.held) } };
  const { observer } = options;
  const answer = await adapter.send(asked, options).catch(async (error: unknown) => {
    if (leaveProven(part, error)) throw error;
    await observer?.discard?.({ reason: summarizeError(error).message });
    return undefined;
  });
  if (answer === undefined) return adapter.send(request, options);
  const joined = join(part, answer, options.maxBytes);
  if (typeof joined === "object") return joined;
  await observer?.discard?.({ status: answer.status, reason: joined }, { request: asked, response: answer });
  void discardBody(answer);
  return adapter.send(request, options);
}

/** The whole, or the answer that speaks of something else; in words why the whole has to be asked for. */
function join(part: Part, response: HttpResponse, maxBytes: number): HttpResponse | string {
  const judgement = judge(part.held, response);
  switch (judgement.means) {
    case "append":
      if (response.content.length !== judgement.length) return "the rest is not as long as it should be";
      return whole(part, response, maxBytes);
    case "complete":
      return whole(part, response, maxBytes);
    case "restart":
      return judgement.reason;
    case "replace": {
      const { length } = response.content;
      return length === (wholeLength(part.held, response.headers) ?? length)
        ? response
        : "the length of the whole changed";
    }
    case "pass":
      return response;
  }
}

function whole({ broken, held: { offset } }: Part, response: HttpResponse, maxBytes: number): HttpResponse {
  const rest = response.status === 206 ? [response.content] : [];
  const content = Buffer.concat([...broken.chunks, ...rest]);
  if (content.length > maxBytes) throw new BodyTooLargeError(maxBytes);
  const { status, statusText } = broken;
  // A cookie is of the moment, not of the representation: those of both answers count.
  const cookies = [...new ResponseHeaders(broken.headers).getSetCookie(), ...response.headers.getSetCookie()];
  const headers = cookies.length === 0 ? broken.headers : { ...broken.headers, "set-cookie": cookies };
  const joined = new HttpResponse({ status, statusText, url: response.url, headers, content });
  return markContinued(joined, { offset, total: content.length, status: response.status });
}

/** Leaves with an error the part and what came of the rest before it; false where that was not the rest. */
function leaveProven({ broken, held }: Part, error: unknown): boolean {
  const further = takePartialBody(error);
  if (further === undefined) {
    attachPartialBody(error, broken);
    // All of a body came, but could not be decoded: the rest of what was not encoded is not, either.
    return !(error instanceof TransportError) || error.phase !== "body";
  }
  const judgement = judge(held, { status: further.status, headers: new ResponseHeaders(further.headers) });
  const proven = provenOf({ broken, further }, judgement);
  if (proven !== undefined) attachPartialBody(error, proven);
  return proven !== undefined;
}

interface TwoParts {
  readonly broken: PartialBody;
  readonly further: PartialBody;
}

/** What of two parts is proven to be of one body, the second of which came when the rest of the first was asked for. */
function provenOf({ broken, further }: TwoParts, judgement: Judgement): PartialBody | undefined {
  switch (judgement.means) {
    case "append":
      if (bytesIn(further.chunks) > judgement.length) return undefined;
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

function bytesIn(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((bytes, { length }) => bytes + length, 0);
}
