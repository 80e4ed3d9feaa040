import { headerNames, type HttpResponse } from "../model/response.ts";
import { previewBody } from "../model/streamed-response.ts";
import type { Verdict } from "../model/verdict.ts";
import type { JudgedResponse } from "./judged-response.ts";

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
