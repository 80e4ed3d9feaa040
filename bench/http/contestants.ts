import { getWithSession } from "./built-holdfast.ts";
import type { Get } from "./get.ts";

/** Loads a library and returns its `get`. A process loads only the library that it measures. */
export type Contestant = (origin: string) => Promise<Get>;

// The highest number of requests in flight.
const connections = 64;

/** The measured libraries, used as in their documentation and with their defaults, except for the options here. */
export const contestants: Readonly<Record<string, Contestant>> = {
  holdfast: async () => {
    const { Session } = await import("@holdfast/http");
    return getWithSession(Session);
  },
  "undici dispatch": async (origin) => {
    const { Pool } = await import("undici");
    const { getWithBareDispatch } = await import("./bare-dispatch.ts");
    return getWithBareDispatch(new Pool(origin, { connections }));
  },
  "sockets alone": async (origin) => {
    const { getOverRawSockets } = await import("./raw-sockets.ts");
    return getOverRawSockets(origin);
  },
  "undici.request": async () => {
    const { Agent, request, setGlobalDispatcher } = await import("undici");
    setGlobalDispatcher(new Agent({ connections }));
    return async (url) => {
      const { statusCode, body } = await request(url);
      return bytesIfOk(statusCode, body);
    };
  },
  fetch: async () => async (url) => {
    const response = await fetch(url);
    return bytesIfOk(response.status, response);
  },
  createFetch: async () => {
    const { createFetch } = await import("@holdfast/http");
    const send = createFetch();
    return async (url) => {
      const response = await send(url);
      return bytesIfOk(response.status, response);
    };
  },
  got: async () => {
    const { default: got } = await import("got");
    return (url) => got(url).buffer();
  },
  ky: async () => {
    const { default: ky } = await import("ky");
    return async (url) => new Uint8Array(await ky.get(url).arrayBuffer());
  },
  "axios + axios-retry": async () => {
    const { default: axios } = await import("axios");
    const { default: axiosRetry } = await import("axios-retry");
    const client = axios.create({ responseType: "arraybuffer" });
    axiosRetry(client, { retries: 3 });
    return async (url) => (await client.get<Buffer>(url)).data;
  },
  "make-fetch-happen": async () => {
    const { default: makeFetchHappen } = await import("make-fetch-happen");
    const fetch = makeFetchHappen.defaults({ maxSockets: connections, retry: { retries: 3 } });
    return async (url) => {
      const response = await fetch(url);
      return bytesIfOk(response.status, response);
    };
  },
};

// Enough retries for requests of which a fifth fail.
const manyRetries = 20;

/** The measured libraries with retries, when a fifth of the responses is a 503. None waits between attempts. */
export const retryContestants: Readonly<Record<string, Contestant>> = {
  holdfast: async () => {
    const { Retry, Session } = await import("@holdfast/http");
    const retry = Retry.urllib3({ total: manyRetries, statusForcelist: [503] });
    const session = new Session({ retry: retry.new({ wait: () => 0 }) });
    return async (url) => (await session.get(url)).raiseForStatus().content;
  },
  "undici.request in a loop": async () => {
    const { Agent, request } = await import("undici");
    const dispatcher = new Agent({ connections });
    return async (url) => {
      for (let retries = 0; ; retries += 1) {
        const { statusCode, body } = await request(url, { dispatcher });
        if (statusCode !== 503 || retries === manyRetries) return bytesIfOk(statusCode, body);
        await body.dump();
      }
    };
  },
  "undici interceptors.retry": async () => {
    const { Agent, interceptors, request } = await import("undici");
    const dispatcher = new Agent({ connections }).compose(
      interceptors.retry({ maxRetries: manyRetries, retry: (_error, _context, proceed) => proceed(null) }),
    );
    return async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      return bytesIfOk(statusCode, body);
    };
  },
  "undici RetryAgent": async () => {
    const { Agent, request, RetryAgent } = await import("undici");
    const dispatcher = new RetryAgent(new Agent({ connections }), {
      maxRetries: manyRetries,
      retry: (_error, _context, proceed) => proceed(null),
    });
    return async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      return bytesIfOk(statusCode, body);
    };
  },
};

async function bytesIfOk(status: number, body: { arrayBuffer(): Promise<ArrayBuffer> }): Promise<Uint8Array> {
  if (status !== 200) throw new Error(`Expected status 200, got ${status}`);
  return new Uint8Array(await body.arrayBuffer());
}
