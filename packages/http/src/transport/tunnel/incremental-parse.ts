/** What the bytes so far amount to; `length` is how many of them the whole took. */
export type Parse<T> =
  | { readonly at: "partial" }
  | { readonly at: "whole"; readonly value: T; readonly length: number }
  | { readonly at: "bad"; readonly reason: string };

/** Not enough to tell. */
export const partial: Parse<never> = { at: "partial" };

export function whole<T>(value: T, length: number): Parse<T> {
  return { at: "whole", value, length };
}

export function bad(reason: string): Parse<never> {
  return { at: "bad", reason };
}
