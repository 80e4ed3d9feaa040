import { BodyTooLargeError, IncompleteBodyError } from "../errors/transport-errors.ts";
import { HttpResponse, unreadResponse } from "../model/response.ts";
import type { Observer } from "../model/trace.ts";
import { decode } from "../transport/decode/decode.ts";
import { maxUnwantedBytes } from "../transport/exchange/buffered-exchange.ts";
import type { RawResponse } from "../transport/wire/messages.ts";
import type { UnreadBody } from "../model/body-source.ts";

/** What is done with a body. */
interface BodyRules {
  /** The most that it may grow to, decoded. */
  readonly maxBytes: number;
  /** Knows whether the call goes on without it. */
  readonly observer?: Observer | undefined;
}

/**
 * Makes a response of an answer, its body decoded; a late one where the call goes on without the body.
 *
 * @throws IncompleteBodyError, DecodeError or BodyTooLargeError for a body that cannot be decoded.
 */
export function toResponse(
  answer: RawResponse,
  url: string,
  terms: BodyRules,
): HttpResponse | Promise<HttpResponse> {
  const { status, statusText, headers, body, unreadBody: rest } = answer;
  const encoding = headers["content-encoding"];
  if (rest !== undefined)
    return unreadResponse({ status, statusText, url, headers, body: decodeUnread(rest, encoding, terms) });
  if (encoding === undefined) return new HttpResponse({ status, statusText, url, headers, content: body });
  if (status >= 300) return toErrorResponse(answer, url, terms);
  return Promise.resolve(decode(body, String(encoding), terms.maxBytes)).then(
    (content) => new HttpResponse({ status, statusText, url, headers, content }),
  );
}

/** An answer that is no success: what it says is short, and a body that grows beyond that is decoded only for who wants it. */
async function toErrorResponse(answer: RawResponse, url: string, terms: BodyRules): Promise<HttpResponse> {
  const { status, statusText, headers, body } = answer;
  const [head, encoding] = [{ status, statusText, url, headers }, String(headers["content-encoding"])];
  const bound = Math.min(maxUnwantedBytes, terms.maxBytes);
  try {
    return new HttpResponse({ ...head, content: await decode(body, encoding, bound) });
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    if (terms.observer?.continuesWithoutBody?.(answer) === true)
      return unreadResponse({ ...head, body: decodeUnread(undecodedBody(body, error), encoding, terms) });
    return new HttpResponse({ ...head, content: await decode(body, encoding, terms.maxBytes) });
  }
}

/** A body that is here, and was not decoded. */
function undecodedBody(body: Buffer, cause: Error): UnreadBody {
  return {
    readAll: () => Promise.resolve(body),
    discard: () => undefined,
    missingError: new IncompleteBodyError(body.length, body.length, { cause }),
  };
}

function decodeUnread(
  rest: UnreadBody,
  encoding: RawResponse["headers"][string],
  { maxBytes }: BodyRules,
): UnreadBody {
  if (encoding === undefined) return rest;
  return {
    missingError: rest.missingError,
    discard: () => rest.discard(),
    readAll: async () => decode(await rest.readAll(), String(encoding), maxBytes),
  };
}
