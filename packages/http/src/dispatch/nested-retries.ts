import { defaultIdempotencyHeader as keyHeader } from "../call/idempotency.ts";
import { warn } from "../support/warning.ts";
import type { HeaderRecord } from "../model/headers.ts";

/** A header by which a client says that it repeats a request itself, and how to switch that off. */
interface RetryMark {
  readonly isRepeated: (value: string) => boolean;
  readonly remedy: string;
}

const marks: Readonly<Record<string, RetryMark>> = {
  // openai, @anthropic-ai/sdk and other clients by Stainless
  "x-stainless-retry-count": { isRepeated: (value) => Number(value) > 0, remedy: "maxRetries: 0" },
  // The AWS SDKs: attempt=2; max=3
  "amz-sdk-request": {
    isRepeated: (value) => /\battempt=(?!1\b)\d/.test(value),
    remedy: "maxAttempts: 1",
  },
  // The Google Cloud clients: gccl-attempt-count/2
  "x-goog-api-client": {
    isRepeated: (value) => /\bgccl-attempt-count\/(?!1\b)\d/.test(value),
    remedy: "retryOptions: { autoRetry: false }",
  },
};

// stripe gives its retries the key of the first request.
const maxFailedKeys = 100;

/** Warns once when the client above a fetch repeats what the session has already repeated: 3 × 4 attempts are 12. */
export class NestedRetries {
  readonly #failedKeys = new Set<string>();
  #hasWarned = false;

  /** Looks at the headers of a request. */
  check(headers: HeaderRecord): void {
    if (this.#hasWarned) return;
    for (const [name, { isRepeated, remedy }] of Object.entries(marks)) {
      const value = headers[name];
      if (typeof value === "string" && isRepeated(value)) return this.#warn(`${name}: ${value}`, remedy);
    }
    const key = headers[keyHeader];
    if (typeof key === "string" && this.#failedKeys.has(key))
      this.#warn("the same Idempotency-Key again", "its retries to 0, such as maxNetworkRetries: 0");
  }

  /** Records that a request was returned as a failure, after all its retries. */
  recordFailure(headers: HeaderRecord): void {
    const key = headers[keyHeader];
    if (typeof key !== "string" || this.#hasWarned) return;
    this.#failedKeys.add(key);
    const [oldest] = this.#failedKeys;
    if (oldest !== undefined && this.#failedKeys.size > maxFailedKeys) this.#failedKeys.delete(oldest);
  }

  #warn(seen: string, remedy: string): void {
    this.#hasWarned = true;
    this.#failedKeys.clear();
    const what = `The client of this fetch repeats requests that holdfast has already repeated. Set ${remedy}`;
    warn({ what, code: "HOLDFAST_NESTED_RETRIES" }, seen);
  }
}
