import { Readable } from "node:stream";

/** Bytes that come piece by piece. */
export type ByteStream = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | Readable;

/**
 * What can be sent. All but a bare stream can be sent again; for a stream that can be made anew, give the function that
 * makes it.
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

/** A body as the retry sees it: can it be sent a second time? */
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
 * Says of a body how it can be sent.
 *
 * @throws TypeError for what is none of the kinds of `BodyInit`.
 */
export function toBody(init: BodyInit | undefined): Body | Promise<Body> {
  if (init === undefined) return noBody;
  if (init instanceof FormData) return formBody(init);
  const body = toBytesBody(init) ?? toStreamBody(init);
  if (body !== undefined) return body;
  throw new TypeError(
    `A body must be text, bytes, a form, a blob, a stream or a function that makes one, got ${init === null ? "null" : typeof init}`,
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

/** JSON as a body. */
export function jsonBody(value: unknown): Body {
  const bytes = JSON.stringify(value) as string | undefined;
  if (bytes === undefined) throw new TypeError(`${typeof value} cannot be sent as JSON`);
  return { kind: "bytes", bytes, contentType: "application/json" };
}

/** What goes on the wire for one attempt; a one-shot stream can be had once. */
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

// The platform writes multipart/form-data with a boundary of its own, which must be the same on every attempt.
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
