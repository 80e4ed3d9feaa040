/** The value of a `Content-Range` header (RFC 9110 §14.4). */
export type ContentRange =
  | ServedRange
  /** The server has `complete` bytes and none of the requested range. */
  | { readonly first: undefined; readonly complete: number };

/** Bytes `first` to `last`, both included. `complete` is the length of the whole, if the server knows it. */
export interface ServedRange {
  readonly first: number;
  readonly last: number;
  readonly complete: number | undefined;
}

const satisfiedRange = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i;
const unsatisfiedRange = /^bytes \*\/(\d{1,15})$/i;

/** Parses a `Content-Range` in bytes. Returns undefined if the value is malformed or contradicts itself. */
export function parseContentRange(value: string | null): ContentRange | undefined {
  const text = value ?? "";
  const [, complete] = unsatisfiedRange.exec(text) ?? [];
  return complete === undefined
    ? parseSatisfiedRange(text)
    : { first: undefined, complete: Number(complete) };
}

function parseSatisfiedRange(text: string): ContentRange | undefined {
  const [, first, last, of] = satisfiedRange.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range = { first: Number(first), last: Number(last), complete: of === "*" ? undefined : Number(of) };
  const possible = range.first <= range.last && range.last < (range.complete ?? Infinity);
  return possible ? range : undefined;
}
