import type { Told } from "./attempt-log.ts";
import type { Limiters } from "../pacing/limiters.ts";
import type { InterruptedBody, BodyContinuation } from "../model/body-stream.ts";
import type { Route } from "../proxy/route/route.ts";
import type { HttpRequest } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Retry } from "../retry/retry.ts";
import type { Timeouts } from "../transport/timeouts.ts";
import type { Call } from "./call.ts";
import type { AttemptContext } from "./send-attempt.ts";

/** What a call is made with: the request, who sees to it, and how long it may take. */
export interface CallPlan extends AttemptContext, Told {
  readonly request: HttpRequest;
  readonly retry: Retry;
  readonly timeouts: Timeouts;
  readonly maxBytes: number;
  /** The proxy to go through, or the pool to lease one from for each attempt; undefined goes directly. */
  readonly proxy: Route;
  /** Once aborted, nothing more is waited for. */
  readonly drain: AbortSignal | undefined;
  /** The limits that the session has met; undefined where they are not kept to. */
  readonly limiters: Limiters | undefined;
  /** How a body goes on that breaks off after it was given out; undefined where none is given out. */
  readonly live:
    | { goOn(call: Call, first: HttpResponse, broke: InterruptedBody): Promise<BodyContinuation> }
    | undefined;
}
