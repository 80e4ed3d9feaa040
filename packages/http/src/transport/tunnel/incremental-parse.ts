/** What the bytes so far amount to; `length` is how many of them the whole took. */
export type ParseResult<T> =
  | { readonly at: "partial" }
  | { readonly at: "whole"; readonly value: T; readonly length: number }
  | { readonly at: "bad"; readonly reason: string };

/** Not enough to tell. */
export const incomplete: ParseResult<never> = { at: "partial" };

export function complete<T>(value: T, length: number): ParseResult<T> {
  return { at: "whole", value, length };
}

export function invalid(reason: string): ParseResult<never> {
  return { at: "bad", reason };
}
