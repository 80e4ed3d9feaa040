import { fullJitter, waitExponential, type RetryBudgetOptions } from "@holdfast/policy";
import type { HeaderRecord } from "../model/headers.ts";
import { Retry } from "../retry/retry.ts";
import { acceptEncoding } from "../transport/decode/decode.ts";

export interface SessionDefaults {
  readonly retry: Retry;
  readonly budget: RetryBudgetOptions;
  readonly headers: HeaderRecord;
  readonly maxRedirects: number;
  /** The limit of a buffered body. A streamed one has no limit. */
  readonly maxBytes: number;
}

/** What a session does when it is told nothing: it retries what is safe and worth it, three times at most. */
export const sessionDefaults: SessionDefaults = Object.freeze({
  /** At most 3 retries; waits of anything up to 1 s · 2^(n-1), at most 30 s; what the server asks, up to 2 minutes. */
  retry: new Retry({
    total: 3,
    statusForcelist: [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529],
    wait: fullJitter(waitExponential({ multiplier: "1s", max: "30s" })),
    retryAfterMax: "2m",
    raiseOnStatus: false,
  }),
  /** One retry for two calls, and a hundred a second besides: an outage costs a server at most half as much again. */
  budget: Object.freeze({ ratio: 0.5, minPerSecond: 100, window: "10s" } as const),
  headers: Object.freeze({ accept: "*/*", "accept-encoding": acceptEncoding, "user-agent": "holdfast" }),
  maxRedirects: 30,
  /** 2 GiB: more does not fit into one buffer. */
  maxBytes: 2 ** 31,
});
