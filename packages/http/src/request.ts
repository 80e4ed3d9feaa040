import type { Body } from "./body.ts";
import { InvalidUrlError } from "./errors.ts";
import type { HeaderRecord } from "./headers.ts";

/** A request as data: nothing in it is used up by sending it, but a one-shot body. */
export interface HttpRequest {
  readonly method: string;
  /** Absolute, without a fragment. */
  readonly url: URL;
  readonly headers: HeaderRecord;
  readonly body: Body;
  /** The key under which the server recognises a second try, where one was given. */
  readonly idempotencyKey?: string | undefined;
}

/** Query parameters; a list repeats its name, undefined and null are left out. */
export type Params =
  | Readonly<Record<string, string | number | boolean | readonly (string | number | boolean)[] | null | undefined>>
  | URLSearchParams;

/**
 * Reads a URL, against a base where there is one, and adds query parameters.
 *
 * @throws InvalidUrlError when it is not a URL, or neither http nor https.
 */
export function urlOf(input: string | URL, params?: Params, base?: string): URL {
  const url = parse(input, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidUrlError(`The URL must begin with http:// or https://, got ${JSON.stringify(String(input))}`);
  }
  if (params !== undefined) addParams(url, params);
  return url;
}

function parse(input: string | URL, base: string | undefined): URL {
  try {
    return new URL(input, base);
  } catch (cause) {
    throw new InvalidUrlError(`${JSON.stringify(String(input))} is not a URL`, { cause });
  }
}

function addParams(url: URL, params: Params): void {
  const entries = params instanceof URLSearchParams ? params : Object.entries(params);
  for (const [name, values] of entries) {
    for (const value of [values].flat()) {
      if (value !== undefined && value !== null) url.searchParams.append(name, String(value));
    }
  }
}
