import { systemClock, type Clock, type Duration } from "@holdfast/policy";
import { toMs } from "@holdfast/policy/internal";
import type { Adapter } from "../../adapter/adapter.ts";
import { passTime, readRequestBody } from "../../adapter/simulate.ts";
import type { HttpRequest } from "../../model/request.ts";
import { HttpResponse } from "../../model/response.ts";
import type { RetrySetting } from "../../retry/setting.ts";

/** A response of the script. */
export interface ScriptedReply {
  /** @default 200 */
  readonly status?: number;
  readonly statusText?: string;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** Time until the response. @default 0 */
  readonly takes?: Duration;
}

/** A failure instead of a response. */
export interface ScriptedFailure {
  readonly error: unknown;
  /** Time until the failure. @default 0 */
  readonly takes?: Duration;
}

/** The outcome of one request. */
export type ScriptedOutcome = ScriptedReply | ScriptedFailure;

/** The outcome of one request, or a function that returns it for that request. */
export type ScriptedEntry = ScriptedOutcome | ((request: ScriptedRequest) => ScriptedOutcome);

/** A request as the session would have sent it. */
export interface ScriptedRequest {
  readonly method: string;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: HttpRequest["headers"];
  /** The whole body as text. Undefined without a body. */
  readonly body: string | undefined;
  /** Time of sending, on the adapter's clock. */
  readonly at: number;
  /** URL of the chosen proxy, if any. */
  readonly proxy?: string;
}

/** The options of `scriptedAdapter`. */
export interface ScriptedAdapterOptions {
  /** Pass the session's clock. With a fake clock, hours of waiting take no time. @default systemClock */
  readonly clock?: Clock;
  /** Rule for the retries of requests through this adapter. */
  readonly retry?: RetrySetting;
}

/** An adapter that plays a script. */
export interface ScriptedAdapter extends Adapter {
  /** All requests so far, in order. */
  readonly requests: readonly ScriptedRequest[];
  readonly closed: boolean;
}

/**
 * Creates an adapter that replies from a list without a network: one entry per request, the last one repeatedly.
 *
 * It enforces the limits of a real adapter: silence longer than `read`, an attempt longer than `attempt`, the deadline of
 * the call, and the caller's abort. It reads each body to its end, so that a stream can be sent only once.
 *
 * @throws RangeError for an empty script.
 */
export function scriptedAdapter(
  script: readonly ScriptedEntry[],
  { clock = systemClock, retry }: ScriptedAdapterOptions = {},
): ScriptedAdapter {
  if (script.length === 0) throw new RangeError("A script needs at least one entry");
  const requests: ScriptedRequest[] = [];
  let closed = false;
  return {
    retry,
    requests,
    get closed() {
      return closed;
    },
    send: async (request, options) => {
      options.signal?.throwIfAborted();
      const entry = script[Math.min(requests.length, script.length - 1)] ?? {};
      const { proxy } = options;
      const sent = { ...(await asSent(request)), at: clock.now(), ...(proxy !== undefined && { proxy }) };
      requests.push(sent);
      const outcome = typeof entry === "function" ? entry(sent) : entry;
      await passTime(toMs(outcome.takes ?? 0), { clock, target: request.url.host, options });
      if ("error" in outcome) throw outcome.error;
      return reply(outcome, request);
    },
    close: async () => {
      closed = true;
    },
  };
}

async function asSent({ method, url, headers, body }: HttpRequest): Promise<Omit<ScriptedRequest, "at">> {
  return { method, url: url.href, headers, body: await readRequestBody(body) };
}

function reply(
  { status = 200, statusText = "", headers = {}, body = "" }: ScriptedReply,
  { url }: HttpRequest,
): HttpResponse {
  const content = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return new HttpResponse({ status, statusText, url: url.href, headers, content });
}
