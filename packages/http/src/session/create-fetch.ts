import type { SessionOptions } from "../call/options.ts";
import type { TimeoutSetting } from "../transport/timeouts.ts";
import { Session } from "./session.ts";

/**
 * Returns a `fetch` with the retries, rate limits and connections of a session, for code and libraries that take a fetch. Its rules are
 * those of the Fetch standard, and its limits those of the platform's fetch: it stores no cookies, and waits five minutes for a
 * silent server. `createFetch(session)` returns `session.fetch`, which has the limits and the cookies of that session.
 *
 * ```ts
 * const client = new OpenAI({ fetch: createFetch({ retry: 5 }), maxRetries: 0 });
 * ```
 *
 * @throws TypeError or RangeError for an unknown option or a wrong value, with its name.
 */
export function createFetch(options: SessionOptions | Session = {}): typeof globalThis.fetch {
  return toFetchSession(options).fetch;
}

// As the platform's fetch. Programs leave bodies unread there: with a low limit of connections, they would wait for each other.
const fetchDefaults: SessionOptions = { cookies: false, strictHeaders: true, maxConnections: 16_384 };

/** Returns a session with the defaults of a fetch. */
export function toFetchSession(options: SessionOptions | Session): Session {
  if (options instanceof Session) return options;
  return new Session({ ...fetchDefaults, ...options, timeout: withFetchLimits(options.timeout) });
}

/** The limits of the platform's fetch, for what the options leave open. */
function withFetchLimits(timeout: TimeoutSetting | undefined): TimeoutSetting {
  const given = typeof timeout === "object" ? timeout : timeout === undefined ? {} : { total: timeout };
  return { connect: "10s", read: "5m", ...given };
}
