// Sends a PUT that fails at first in every way in which undici and the platform's fetch take a dispatcher. Prints what each gave.
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

const symbols = ["undici.globalDispatcher.1", "undici.globalDispatcher.2"].map((name) => Symbol.for(name));
// The platform defines them when its fetch is first used.
await fetch("data:,");
const before = symbols.map((symbol): unknown => Reflect.get(globalThis, symbol));
const { dispatcher, interceptor, setGlobalDispatcher } = await import("@holdfast/http/undici");
await import("@holdfast/http");
const after = symbols.map((symbol): unknown => Reflect.get(globalThis, symbol));

/** The parts of a version of undici that all versions have. */
interface Undici {
  readonly fetch: (url: string, init: object) => Promise<Response>;
  readonly request: (
    url: string,
    init: object,
  ) => Promise<{ readonly statusCode: number; readonly body: { text(): Promise<string> } }>;
  readonly Agent: new () => { compose?: (interceptor: unknown) => object; close(): Promise<void> };
  readonly getGlobalDispatcher: () => unknown;
  readonly setGlobalDispatcher: (agent: unknown) => void;
}

const seen = new Map<string, string[]>();
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const bodies = seen.get(request.url ?? "") ?? [];
    seen.set(request.url ?? "", [...bodies, body]);
    response.writeHead(bodies.length < 2 ? 503 : 200).end("whole");
  });
}).listen(0, "127.0.0.1");
await once(server, "listening");
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

const options = { trustEnvironment: false, retry: { total: 3, backoffFactor: 0.001 } };
const agent = dispatcher(options);
const put = { method: "PUT", body: "sent" };
const results: Record<string, string> = {};

async function attempt(
  name: string,
  send: (url: string) => Promise<readonly [number, string]>,
): Promise<void> {
  const path = `/${name.replaceAll(" ", "-")}`;
  try {
    const [status, text] = await send(origin + path);
    results[name] = `${status} ${text} ${(seen.get(path) ?? []).join()}`;
  } catch (error) {
    results[name] = String(error instanceof Error ? (error.cause ?? error) : error);
  }
}

const fetched = async (response: Promise<Response>): Promise<readonly [number, string]> => {
  const { status, text } = await response.then(async (it) => ({ status: it.status, text: await it.text() }));
  return [status, text];
};

const withDispatcher: object = { ...put, dispatcher: agent };
await attempt("built-in init.dispatcher", (url) => fetched(fetch(url, withDispatcher)));
setGlobalDispatcher(agent);
await attempt("built-in global", (url) => fetched(fetch(url, put)));
symbols.forEach((symbol, index) => Reflect.set(globalThis, symbol, before[index]));

for (const version of ["undici5", "undici6", "undici7", "undici8"]) {
  const undici = ((await import(version)) as { default: Undici }).default;
  const { fetch: send, request, Agent } = undici;
  const requested = async (url: string, init: object): Promise<readonly [number, string]> => {
    const { statusCode, body } = await request(url, { ...put, ...init });
    return [statusCode, await body.text()];
  };
  await attempt(`${version} fetch init.dispatcher`, (url) => fetched(send(url, withDispatcher)));
  await attempt(`${version} request init.dispatcher`, (url) => requested(url, { dispatcher: agent }));
  const own = undici.getGlobalDispatcher();
  undici.setGlobalDispatcher(agent);
  await attempt(`${version} fetch global`, (url) => fetched(send(url, put)));
  await attempt(`${version} request global`, (url) => requested(url, {}));
  undici.setGlobalDispatcher(own);
  const plain = new Agent();
  const composed = plain.compose?.(interceptor({ retry: { total: 3, backoffFactor: 0.001 } }));
  if (composed !== undefined) {
    await attempt(`${version} fetch compose`, (url) => fetched(send(url, { ...put, dispatcher: composed })));
    await attempt(`${version} request compose`, (url) => requested(url, { dispatcher: composed }));
  }
  await plain.close();
}

console.log(JSON.stringify({ untouched: before.every((value, index) => value === after[index]), results }));
await agent.close();
server.close();
server.closeAllConnections();
