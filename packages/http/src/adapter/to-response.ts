import { BodyTooLargeError, IncompleteBodyError } from "../errors/transport-errors.ts";
import { LateResponse } from "../model/unread-response.ts";
import { HttpResponse } from "../model/response.ts";
import type { Observer } from "../model/trace.ts";
import { decode } from "../transport/decode/decode.ts";
import { mostUnwantedBytes } from "../transport/exchange/unread-body-timer.ts";
import type { BodyRest, RawAnswer } from "../transport/wire/messages.ts";

/** What is done with a body. */
interface Terms {
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
export function responseOf(
  answer: RawAnswer,
  url: string,
  terms: Terms,
): HttpResponse | Promise<HttpResponse> {
  const { status, statusText, headers, body, rest } = answer;
  const encoding = headers["content-encoding"];
  if (rest !== undefined)
    return new LateResponse({ status, statusText, url, headers, rest: decoded(rest, encoding, terms) });
  if (encoding === undefined) return new HttpResponse({ status, statusText, url, headers, content: body });
  if (status >= 300) return explained(answer, url, terms);
  return Promise.resolve(decode(body, String(encoding), terms.maxBytes)).then(
    (content) => new HttpResponse({ status, statusText, url, headers, content }),
  );
}

/** An answer that is no success: what it says is short, and a body that grows beyond that is decoded only for who wants it. */
async function explained(answer: RawAnswer, url: string, terms: Terms): Promise<HttpResponse> {
  const { status, statusText, headers, body } = answer;
  const [head, encoding] = [{ status, statusText, url, headers }, String(headers["content-encoding"])];
  const bound = Math.min(mostUnwantedBytes, terms.maxBytes);
  try {
    return new HttpResponse({ ...head, content: await decode(body, encoding, bound) });
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    if (terms.observer?.goesOn?.(answer) === true)
      return new LateResponse({ ...head, rest: decoded(hereBut(body, error), encoding, terms) });
    return new HttpResponse({ ...head, content: await decode(body, encoding, terms.maxBytes) });
  }
}

/** A body that is here, and was not decoded. */
function hereBut(body: Buffer, cause: Error): BodyRest {
  return {
    whole: () => Promise.resolve(body),
    drop: () => undefined,
    missing: new IncompleteBodyError(body.length, body.length, { cause }),
  };
}

function decoded(rest: BodyRest, encoding: RawAnswer["headers"][string], { maxBytes }: Terms): BodyRest {
  if (encoding === undefined) return rest;
  return {
    missing: rest.missing,
    drop: () => rest.drop(),
    whole: async () => decode(await rest.whole(), String(encoding), maxBytes),
  };
}
