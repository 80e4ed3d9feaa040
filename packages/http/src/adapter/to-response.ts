import { BodyTooLargeError, IncompleteBodyError } from "../errors/transport-errors.ts";
import { HttpResponse, unreadResponse } from "../model/response.ts";
import type { Observer } from "../model/trace.ts";
import { decode } from "../transport/decode/decode.ts";
import type { DecodeBounds } from "../transport/decode/decode-bounds.ts";
import { maxUnwantedBytes } from "../transport/exchange/buffered-exchange.ts";
import type { RawResponse } from "../transport/wire/messages.ts";
import type { UnreadBody } from "../model/body-source.ts";

/** The rules for a body. */
interface BodyRules extends DecodeBounds {
  /** Decides whether the call continues without the body. */
  readonly observer?: Observer | undefined;
}

/**
 * Converts a reply of the transport to a response with a decoded body. The body stays unread where the call continues
 * without it.
 *
 * @throws IncompleteBodyError, DecodeError or BodyTooLargeError for a body that cannot be decoded.
 */
export function toResponse(
  reply: RawResponse,
  url: string,
  rules: BodyRules,
): HttpResponse | Promise<HttpResponse> {
  const { status, statusText, headers, body, unreadBody } = reply;
  const encoding = headers["content-encoding"];
  if (unreadBody !== undefined)
    return unreadResponse({
      status,
      statusText,
      url,
      headers,
      body: decodeUnread(unreadBody, encoding, rules),
    });
  if (encoding === undefined) return new HttpResponse({ status, statusText, url, headers, content: body });
  if (status >= 300) return toErrorResponse(reply, url, rules);
  return Promise.resolve(decode(body, String(encoding), rules)).then(
    (content) => new HttpResponse({ status, statusText, url, headers, content }),
  );
}

/** Converts a reply that is not a success. Its body is usually short; a longer body is decoded only when the caller reads it. */
async function toErrorResponse(reply: RawResponse, url: string, rules: BodyRules): Promise<HttpResponse> {
  const { status, statusText, headers, body } = reply;
  const [head, encoding] = [{ status, statusText, url, headers }, String(headers["content-encoding"])];
  const bound = Math.min(maxUnwantedBytes, rules.maxBytes);
  try {
    return new HttpResponse({
      ...head,
      content: await decode(body, encoding, { ...rules, maxBytes: bound }),
    });
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    if (rules.observer?.continuesWithoutBody?.(reply) === true)
      return unreadResponse({ ...head, body: decodeUnread(undecodedBody(body, error), encoding, rules) });
    return new HttpResponse({ ...head, content: await decode(body, encoding, rules) });
  }
}

/** A body that was received and not decoded. */
function undecodedBody(body: Buffer, cause: Error): UnreadBody {
  return {
    readAll: () => Promise.resolve(body),
    discard: () => undefined,
    missingError: new IncompleteBodyError(body.length, body.length, { cause }),
  };
}

function decodeUnread(
  body: UnreadBody,
  encoding: RawResponse["headers"][string],
  rules: BodyRules,
): UnreadBody {
  if (encoding === undefined) return body;
  return {
    missingError: body.missingError,
    discard: () => body.discard(),
    readAll: async () => decode(await body.readAll(), String(encoding), rules),
  };
}
