import { Readable } from "node:stream";

/** A stream of bytes. */
export type ByteStream = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | Readable;

/**
 * A request body. A stream can be sent only once, so that the request cannot be retried. Pass a function that creates the
 * stream to allow retries.
 */
export type BodyInit =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | FormData
  | Blob
  | ByteStream
  | (() => ByteStream);

/** A normalised body. Its kind says whether it can be sent again: all but `one-shot` can. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: string | Uint8Array; readonly contentType?: string }
  | {
      readonly kind: "factory";
      readonly make: () => Readable;
      readonly contentType?: string;
      readonly length?: number;
    }
  | { readonly kind: "one-shot"; readonly stream: Readable };

export const noBody: Body = { kind: "none" };

/**
 * Normalises a body.
 *
 * @throws TypeError for any other type than those of `BodyInit`.
 */
export function toBody(init: BodyInit | undefined): Body | Promise<Body> {
  if (init === undefined) return noBody;
  if (init instanceof FormData) return formBody(init);
  const body = toBytesBody(init) ?? toStreamBody(init);
  if (body !== undefined) return body;
  throw new TypeError(
    `body must be a string, bytes, a form, a blob, a stream or a function that creates a stream, got ${init === null ? "null" : typeof init}`,
  );
}

function toBytesBody(init: BodyInit): Body | undefined {
  if (typeof init === "string") return { kind: "bytes", bytes: init };
  if (ArrayBuffer.isView(init)) {
    return { kind: "bytes", bytes: new Uint8Array(init.buffer, init.byteOffset, init.byteLength) };
  }
  if (init instanceof ArrayBuffer) return { kind: "bytes", bytes: new Uint8Array(init) };
  if (!(init instanceof URLSearchParams)) return undefined;
  return {
    kind: "bytes",
    bytes: init.toString(),
    contentType: "application/x-www-form-urlencoded;charset=UTF-8",
  };
}

function toStreamBody(init: BodyInit): Body | undefined {
  if (typeof init === "function") return { kind: "factory", make: () => readable(init()) };
  if (init instanceof Blob) return blobBody(init);
  const streams = typeof init === "object" && init !== null && isStream(init);
  return streams ? { kind: "one-shot", stream: readable(init) } : undefined;
}

/** Returns a value as a JSON body. */
export function jsonBody(value: unknown): Body {
  const bytes = JSON.stringify(value) as string | undefined;
  if (bytes === undefined)
    throw new TypeError(`json must be a value that JSON can represent, got ${typeof value}`);
  return { kind: "bytes", bytes, contentType: "application/json" };
}

/** Opens a body for one attempt. A one-shot stream can be opened once. */
export function openBody(body: Body): string | Uint8Array | Readable | null {
  switch (body.kind) {
    case "none":
      return null;
    case "bytes":
      return body.bytes;
    case "factory":
      return body.make();
    case "one-shot":
      return body.stream;
  }
}

function blobBody(blob: Blob): Body {
  const make = (): Readable => readable(blob.stream());
  return { kind: "factory", make, length: blob.size, ...(blob.type !== "" && { contentType: blob.type }) };
}

// Encoded once: each encoding has a new boundary, and the Content-Type must match on every attempt.
async function formBody(form: FormData): Promise<Body> {
  const encoded = new Response(form);
  const bytes = new Uint8Array(await encoded.arrayBuffer());
  return { kind: "bytes", bytes, contentType: encoded.headers.get("content-type") ?? "multipart/form-data" };
}

function isStream(value: object): value is ByteStream {
  return Symbol.asyncIterator in value;
}

function readable(stream: ByteStream): Readable {
  return stream instanceof Readable
    ? stream
    : Readable.from(stream as AsyncIterable<Uint8Array>, { objectMode: false });
}
