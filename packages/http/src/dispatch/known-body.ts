import type { HeaderRecord } from "../model/headers.ts";
import { toBody, type Body } from "../model/body.ts";
import { formBody } from "../model/form-body.ts";
import { maxRecordedBytes } from "./recorded-body.ts";

/** Returns the body of a request by its headers, in a form that can be sent again. */
export type BodyFor = (headers: HeaderRecord) => Body | undefined;

/**
 * Returns the bytes that the platform's fetch sends for the `body` of a call, if they are known without recording them. A small
 * form or blob, and bytes that the caller may change afterwards, are recorded.
 */
export function knownBody(body: unknown): BodyFor | undefined {
  // Hot path: most bodies are JSON.
  if (typeof body === "string") return () => ({ kind: "bytes", bytes: body });
  if (typeof body !== "object" || body === null) return undefined;
  if (body instanceof Blob) return body.size > maxRecordedBytes ? () => toBody(body) : undefined;
  if (body instanceof FormData) return knownForm(body);
  return toLargeBytes(body);
}

function toLargeBytes(body: object): BodyFor | undefined {
  if (body instanceof URLSearchParams) {
    const bytes = body.toString();
    return () => ({ kind: "bytes", bytes });
  }
  const view = ArrayBuffer.isView(body)
    ? body
    : body instanceof ArrayBuffer
      ? new Uint8Array(body)
      : undefined;
  if (view === undefined || view.byteLength <= maxRecordedBytes) return undefined;
  const bytes = Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return () => ({ kind: "bytes", bytes });
}

function knownForm(form: FormData): BodyFor | undefined {
  const fields = [...form];
  const length = fields.reduce(
    (sum, [, value]) => sum + (typeof value === "string" ? value.length : value.size),
    0,
  );
  if (length <= maxRecordedBytes) return undefined;
  return ({ "content-type": type, "content-length": declared }) => {
    const [, boundary] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(String(type))?.filter(Boolean) ?? [];
    const body = boundary === undefined ? undefined : formBody(fields, boundary);
    // Another encoding than that of the platform would not have its length.
    return body !== undefined && String(body.length) === declared ? body : undefined;
  };
}
