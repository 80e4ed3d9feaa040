import type { Engine } from "../dispatch/engine.ts";
import { joinUrl } from "../model/base-url.ts";

type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];

// Read when the package is loaded: later, a program may have replaced it by a fetch of a session.
const platform: Fetch = globalThis.fetch;

/** Returns the fetch of a session. Its code is loaded at the first call. */
export function lazyFetch(engine: Engine): Fetch {
  let loaded: ((input: Input, init: RequestInit | undefined, body: unknown) => Promise<Response>) | undefined;
  /** The first call: its request must be complete before it returns, since the caller may change the parts of it afterwards. */
  const loadAndSend = (input: Input, init: RequestInit | undefined): Promise<Response> => {
    const request = new Request(input, init);
    const body = copyBytes(init?.body);
    // A request follows the signal of another request only as long as that one is not garbage-collected.
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    return import("../dispatch/fetch.ts").then(({ fetchThrough }) => {
      loaded ??= fetchThrough(engine, platform);
      return loaded(request, signal === undefined ? undefined : { signal }, body);
    });
  };
  // oxlint-disable-next-line typescript/no-useless-default-assignment -- `fetch.length` is 1.
  return function fetch(input, init = undefined) {
    try {
      // A dispatcher of the caller sends instead of the session.
      if (hasDispatcher(init)) return platform(input, init);
      const resolved = resolveInput(engine, input);
      return loaded === undefined ? loadAndSend(resolved, init) : loaded(resolved, init, init?.body);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** Copies a body of bytes, which the caller may change before it is sent. */
function copyBytes(body: unknown): unknown {
  if (body instanceof ArrayBuffer) return body.slice();
  return ArrayBuffer.isView(body)
    ? Uint8Array.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength))
    : body;
}

function hasDispatcher(init: object | undefined | null): boolean {
  return init !== undefined && init !== null && "dispatcher" in init && (init.dispatcher ?? null) !== null;
}

/** Resolves a relative URL against the base of the session. */
function resolveInput({ defaults: { base } }: Engine, input: Input): Input {
  return base !== undefined && typeof input === "string" && !URL.canParse(input)
    ? joinUrl(base, input)
    : input;
}
