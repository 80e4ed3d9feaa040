import { isObject, kind, type Check } from "../support/validate.ts";
import { toBody, type Body } from "./body.ts";

/** A value of a form. */
export type FormValue = string | number | boolean | Blob;

/**
 * The fields of a form. A list repeats its name; undefined and null are left out. A form with a `File` or `Blob` is sent as
 * `multipart/form-data`, any other as `application/x-www-form-urlencoded`, as browsers do.
 */
export type FormFields =
  | Readonly<Record<string, FormValue | readonly FormValue[] | null | undefined>>
  | URLSearchParams
  | FormData;

const manyFields = kind({
  wanted: "an object of fields, URLSearchParams or FormData",
  fits: (value) => isForm(value) || (isObject(value) && !(Symbol.iterator in value)),
});

const field = kind({
  wanted:
    "a string, a number, true or false, a File, a Blob such as await openAsBlob(path), or a list of them",
  fits: (value) => [value].flat().every(isFormValue),
  // Most likely of a log-in.
  secret: true,
});

/** Checks the option `form`. */
export const formCheck: Check = (value) => {
  const problem = manyFields(value);
  if (problem !== undefined || isForm(value) || !isObject(value)) return problem;
  for (const [name, given] of Object.entries(value)) {
    const invalid = field(given);
    if (invalid !== undefined) return { ...invalid, at: `.${name}` };
  }
  return undefined;
};

/** Returns fields as a body. */
export function formFieldsBody(fields: FormFields): Body {
  if (isForm(fields)) return toBody(fields);
  const form = new FormData();
  for (const [name, given] of Object.entries(fields)) {
    for (const value of [given].flat()) {
      if (value instanceof Blob) form.append(name, value);
      else if (value !== undefined && value !== null) form.append(name, String(value));
    }
  }
  const texts = [...form].filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return toBody(texts.length === [...form].length ? new URLSearchParams(texts) : form);
}

function isForm(value: unknown): value is URLSearchParams | FormData {
  return value instanceof URLSearchParams || value instanceof FormData;
}

function isFormValue(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  const isText = value === null || ["string", "boolean", "bigint", "undefined"].includes(typeof value);
  return isText || value instanceof Blob;
}
