/** What a limiter knows when it replies: what remains of its window, and the milliseconds until the reset. */
export interface WindowState {
  readonly limit: number;
  readonly window: number;
  readonly remaining: number;
  readonly until: number;
  readonly refused: boolean;
}

type WriteHeaders = (state: WindowState) => Readonly<Record<string, string>>;

const ceil = (ms: number): string => String(Math.ceil(ms / 1_000));
const instant = (until: number): number => (Date.now() + until) / 1_000;
const when = (refused: boolean, headers: Record<string, string>): Record<string, string> =>
  refused ? headers : {};

/** The headers of limiters that people use on Node servers, modelled on their sources. All count in fixed windows. */
export const limiters: Readonly<Record<string, WriteHeaders>> = {
  "express-rate-limit 8, draft-6; hono-rate-limiter 0.5": ({ limit, window, remaining, until, refused }) => ({
    "ratelimit-policy": `${limit};w=${window / 1_000}`,
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": ceil(until),
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "express-rate-limit 8, draft-7": ({ limit, window, remaining, until, refused }) => ({
    "ratelimit-policy": `${limit};w=${window / 1_000}`,
    ratelimit: `limit=${limit}, remaining=${remaining}, reset=${ceil(until)}`,
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "express-rate-limit 8, draft-8": ({ limit, window, remaining, until, refused }) => ({
    "ratelimit-policy": `"a"; q=${limit}; w=${window / 1_000}; pk=:MTI3:`,
    ratelimit: `"a"; r=${remaining}; t=${ceil(until)}`,
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "express-rate-limit 8, legacy": ({ limit, remaining, until, refused }) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(Math.ceil(instant(until))),
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "express-rate-limit 8, no headers": () => ({}),
  "@fastify/rate-limit 11": ({ limit, remaining, until, refused }) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": ceil(until),
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "@fastify/rate-limit 11, draft": ({ limit, remaining, until, refused }) => ({
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": ceil(until),
    ...when(refused, { "retry-after": ceil(until) }),
  }),
  "koa-ratelimit 6": ({ limit, remaining, until, refused }) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": instant(until).toFixed(6),
    ...when(refused, { "retry-after": String(Math.floor(until / 1_000)) }),
  }),
  "rate-limiter-flexible 11, headers of its README": ({ limit, remaining, until }) => ({
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String(Math.ceil(instant(until))),
    "retry-after": String(until / 1_000),
  }),
};
