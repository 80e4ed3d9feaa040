/** What a Content-Range says (RFC 9110 §14.4). */
export type ContentRange =
  | ServedRange
  /** No range could be served of so many bytes. */
  | { readonly first: undefined; readonly complete: number };

/** Bytes `first` to `last`, both included, of `complete`, where that is known. */
export interface ServedRange {
  readonly first: number;
  readonly last: number;
  readonly complete: number | undefined;
}

const served = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i;
const unserved = /^bytes \*\/(\d{1,15})$/i;

/** Reads a Content-Range in bytes; undefined for what is none, or contradicts itself. */
export function parseContentRange(value: string | null): ContentRange | undefined {
  const text = value ?? "";
  const [, complete] = unserved.exec(text) ?? [];
  return complete === undefined ? servedRange(text) : { first: undefined, complete: Number(complete) };
}

function servedRange(text: string): ContentRange | undefined {
  const [, first, last, of] = served.exec(text) ?? [];
  if (first === undefined) return undefined;
  const range = { first: Number(first), last: Number(last), complete: of === "*" ? undefined : Number(of) };
  const possible = range.first <= range.last && range.last < (range.complete ?? Infinity);
  return possible ? range : undefined;
}
