import type { RetryBudgetOptions } from "@holdfast/policy";
import type { HeaderRecord } from "../model/headers.ts";
import { budgetDefaults } from "../retry/budget-defaults.ts";
import { Retry } from "../retry/retry.ts";
import { acceptEncoding } from "../transport/decode/decode.ts";

/** The values of `sessionDefaults`. */
export interface SessionDefaults {
  readonly retry: Retry;
  readonly budget: RetryBudgetOptions;
  readonly headers: HeaderRecord;
  readonly maxRedirects: number;
  /** Largest buffered body in bytes. A streamed body has no limit. */
  readonly maxBytes: number;
}

/** The settings of a session without options: it retries transient failures of safe requests, at most three times. */
export const sessionDefaults: SessionDefaults = Object.freeze({
  /** At most 3 retries. Waits are random, up to 1 s · 2^(n-1) and at most 30 s. A server may ask for up to 2 minutes. */
  retry: Retry.default,
  budget: budgetDefaults,
  headers: Object.freeze({ accept: "*/*", "accept-encoding": acceptEncoding, "user-agent": "holdfast" }),
  maxRedirects: 30,
  /** 2 GiB: the size of the largest buffer. */
  maxBytes: 2 ** 31,
});
