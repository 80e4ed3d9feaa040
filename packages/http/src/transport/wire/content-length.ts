import type { RawResponse } from "./messages.ts";

/** The bytes that an answer's Content-Length announces; undefined without one that is a number. */
export function contentLength({ "content-length": length }: RawResponse["headers"]): number | undefined {
  const bytes = Number(length);
  return length === undefined || Number.isNaN(bytes) ? undefined : bytes;
}

/** Whether an answer without a byte of body lacks one: it names a coding and no length, and even the coding of nothing has some bytes. */
export function isCodedBodyMissing(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  method: string,
): boolean {
  const { "content-encoding": coding, "content-length": length, "transfer-encoding": transfer } = headers;
  if (coding === undefined || length !== undefined || transfer !== undefined) return false;
  return method !== "HEAD" && status !== 204 && status !== 304;
}

/** Whether an answer is whole though nothing said that it ends: it has no body, or every byte that it announces has come. */
export function isComplete(
  { status, headers }: Pick<RawResponse, "status" | "headers">,
  method: string,
  received: number,
): boolean {
  if (method === "HEAD" || status === 204 || status === 304) return true;
  return received === contentLength(headers);
}
