import { headerNames, type HttpResponse } from "../model/response.ts";
import { previewBody } from "../model/streamed-response.ts";
import type { Meaning, Verdict } from "../model/meaning.ts";

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

/** Returns a response as the retry rules see it. */
export function judge(response: HttpResponse): JudgedResponse {
  return new JudgedHttpResponse(response);
}

/** Nothing is computed before a rule reads it: most failures need the status alone. */
class JudgedHttpResponse implements JudgedResponse {
  readonly #response: HttpResponse;
  readonly status: number;

  constructor(response: HttpResponse) {
    this.#response = response;
    this.status = response.status;
  }

  get verdict(): Verdict {
    return this.#response.verdict;
  }

  get headers(): HttpResponse["headers"] {
    return this.#response.headers;
  }

  names(): readonly string[] {
    return headerNames(this.#response);
  }

  preview(): Uint8Array | undefined {
    return previewBody(this.#response);
  }
}
