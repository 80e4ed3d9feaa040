import { isContentType } from "../model/headers.ts";
import { StreamedResponse, releaseBodySource } from "../model/streamed-response.ts";
import { ReadAheadBody, within, type ReadAheadBounds } from "./read-ahead.ts";

// An explanation is short. A longer body is content.
const maxPreviewBytes = 65_536;
// It arrives with the head or soon after. The caller of a stream wants the head without delay.
const maxPreviewTime = 1_000;

/**
 * Reads the body of a streamed error response in advance if it is short JSON or XML, so that dialects can read it. The body
 * of the returned response still has all bytes, and the error if it was not complete.
 *
 * @throws the reason of `signal`.
 */
export async function previewError(
  response: StreamedResponse,
  bounds: ReadAheadBounds,
): Promise<StreamedResponse> {
  if (!isShortError(response)) return response;
  const { status, statusText, url, headers } = response;
  const body = new ReadAheadBody(releaseBodySource(response));
  const preview = await previewWithin(body, bounds);
  return new StreamedResponse({ status, statusText, url, headers: headers.toJSON(), body, preview });
}

function isShortError({ status, headers }: StreamedResponse): boolean {
  if (status < 400 || !isContentType(headers.get("content-type"), /\b(?:json|xml)\b/i)) return false;
  return Number(headers.get("content-length") ?? 0) <= maxPreviewBytes;
}

async function previewWithin(
  body: ReadAheadBody,
  { limit, ...bounds }: ReadAheadBounds,
): Promise<Uint8Array | undefined> {
  const preview = async (ended: AbortSignal): Promise<Uint8Array | undefined> => {
    try {
      return (await body.readAhead(maxPreviewBytes, ended)) ? body.content : undefined;
    } catch {
      // The reader of the body gets the error.
      return undefined;
    }
  };
  return within(body, { ...bounds, limit: Math.min(limit, maxPreviewTime) }, preview);
}
