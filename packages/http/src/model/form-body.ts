import type { Readable } from "node:stream";
import { blobPieces } from "./blob-pieces.ts";
import { toReadable } from "./stream-body.ts";
import { loadCrypto } from "../support/builtins.ts";

/** The body of a form. */
export interface FormBody {
  readonly kind: "factory";
  readonly make: () => Readable;
  readonly contentType: string;
  readonly length: number;
}

/** A field of a form as it is sent: its head, and its value. */
interface FormPart {
  readonly head: Buffer;
  readonly value: Buffer | Blob;
}

const lineEnd = Buffer.from("\r\n");

/**
 * Returns a form as `multipart/form-data` (RFC 7578). Its files are read part by part, and again for each attempt. The
 * encoding of names and line breaks is that of browsers (HTML, "multipart/form-data encoding algorithm").
 */
export function formBody(
  form: Iterable<readonly [string, string | File]>,
  boundary: string = newBoundary(),
): FormBody {
  const parts = [...form].map(([name, value]) => formPart(boundary, name, value));
  const end = Buffer.from(`--${boundary}--\r\n`);
  return {
    kind: "factory",
    make: () => toReadable(formPieces(parts, end)),
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: parts.reduce((length, part) => length + partLength(part), end.length),
  };
}

function newBoundary(): string {
  return `----holdfast-${loadCrypto().randomBytes(18).toString("base64url")}`;
}

/** Returns whether a Content-Type is that of a form with parts. */
export function isFormType(contentType: string | undefined): contentType is string {
  return contentType?.startsWith("multipart/form-data; boundary=") === true;
}

/**
 * Returns the Content-Type of a form whose caller gave another one: the caller's, with the boundary that the body has.
 *
 * @throws TypeError for a type that is not `multipart`.
 */
export function withBoundary(contentType: string, formType: string): string {
  const [type = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  if (!/^multipart\//i.test(type))
    throw new TypeError(
      `A form is sent as multipart/form-data: remove the header content-type, got ${JSON.stringify(contentType)}`,
    );
  const boundary = formType.slice(formType.indexOf("boundary="));
  const kept = parameters.filter((parameter) => parameter !== "" && !/^boundary\s*=/i.test(parameter));
  return [type, ...kept, boundary].join("; ");
}

function formPart(boundary: string, name: string, value: string | File): FormPart {
  const disposition = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(normalizeLines(name))}"`;
  if (typeof value === "string")
    return { head: Buffer.from(`${disposition}\r\n\r\n`), value: Buffer.from(normalizeLines(value)) };
  const type = value.type === "" ? "application/octet-stream" : value.type;
  const head = `${disposition}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`;
  return { head: Buffer.from(head), value };
}

function partLength({ head, value }: FormPart): number {
  return head.length + (value instanceof Blob ? value.size : value.length) + lineEnd.length;
}

async function* formPieces(parts: readonly FormPart[], end: Buffer): AsyncGenerator<Uint8Array> {
  for (const { head, value } of parts) {
    yield head;
    if (value instanceof Blob) yield* blobPieces(value);
    else yield value;
    yield lineEnd;
  }
  yield end;
}

function normalizeLines(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

function escapeName(name: string): string {
  return name.replaceAll("\n", "%0A").replaceAll("\r", "%0D").replaceAll('"', "%22");
}
