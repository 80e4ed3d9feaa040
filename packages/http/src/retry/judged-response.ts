import type { Meaning } from "../model/meaning.ts";

/** A response as the retry rules see it: its head, and its body as far as that is known without reading it. */
export interface JudgedResponse {
  readonly status: number;
  readonly verdict: Meaning;
  /** Look up a name in any case. */
  readonly headers: { get(name: string): string | null; has(name: string): boolean };
  /** Returns the names of the headers, in lower case. */
  names(): Iterable<string>;
  /** Returns the body, if it was read already. */
  preview(): Uint8Array | undefined;
}
