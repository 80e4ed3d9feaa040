import { ownValue } from "@holdfast/policy/internal";
import { leavesOrigin } from "../model/redirect-request.ts";
import { withoutCredentials, type RequestDefaults } from "../call/build-request.ts";
import type { Dispatch, DispatchOptions } from "./contract.ts";
import { dispatchThrough, type Engine, type KnownRequest } from "./engine.ts";
import { knownBody } from "./known-body.ts";

type Fetch = typeof globalThis.fetch;
type Input = Parameters<Fetch>[0];

/**
 * Returns a fetch that sends through the engine. Everything that the Fetch standard defines above the wire is the platform's,
 * redirects too; each request of a call goes through a dispatcher of ours. `body` is the body of the call, if it is known.
 */
export function fetchThrough(
  engine: Engine,
  platform: Fetch,
): (input: Input, init: RequestInit | undefined, body: unknown) => Promise<Response> {
  return (input, init, body) => {
    const dispatch = dispatchOf(engine, { bodyFor: knownBody(body) });
    return platform(input, toInit(input, init, { dispatch }));
  };
}

/** Returns the dispatcher of one call. A request to another origin than the first gets no credentials of the session. */
function dispatchOf(engine: Engine, known: KnownRequest): Dispatch {
  let first: DispatchOptions["origin"];
  return (options, handler) => {
    const { origin } = options;
    first ??= origin;
    // Hot path: most calls have one request, and most redirects stay at the origin.
    const isElsewhere = first !== origin && leavesOrigin(new URL(String(first)), new URL(String(origin)));
    const defaults = isElsewhere ? elsewhere(engine) : engine.defaults;
    return dispatchThrough(engine, [options, handler], { ...known, defaults, isReplaceable });
  };
}

/** Returns what the session adds to a request to another origin than the first: no credentials. */
export function elsewhere({ defaults, options: { sensitiveHeaders = [] } }: Engine): RequestDefaults {
  return { ...defaults, ...withoutCredentials(defaults, sensitiveHeaders), elsewhere: undefined };
}

// What the fetch of the platform adds when the caller does not.
const platformHeaders: Readonly<Record<string, readonly string[]>> = {
  accept: ["*/*"],
  "accept-language": ["*"],
  "user-agent": ["node", "undici"],
};

function isReplaceable(name: string, value: string): boolean {
  return ownValue(platformHeaders, name)?.includes(value) === true;
}

/** Returns the init of a call with a dispatcher of ours. */
function toInit(input: Input, init: RequestInit | undefined, dispatcher: object): RequestInit {
  // Not a dispatcher of undici, which has more methods: its fetch calls only `dispatch`.
  const own: object = { dispatcher };
  if (init === undefined) return { ...ofRequest(input), ...own };
  const prototype: unknown = Object.getPrototypeOf(init);
  if (prototype === Object.prototype || prototype === null) return { ...ofRequest(input), ...init, ...own };
  // An object of another class, such as a Request, may have its fields on its prototype, and only reads them as itself.
  return new Proxy(
    { ...init, ...own },
    {
      get: (_, name): unknown => (name === "dispatcher" ? dispatcher : Reflect.get(init, name)),
      has: (_, name) => name === "dispatcher" || Reflect.has(init, name),
    },
  );
}

/** An init, which every call has here, would otherwise reset the referrer of a Request (WHATWG Fetch, "new Request"). */
function ofRequest(input: Input): RequestInit {
  if (!(input instanceof Request)) return {};
  const { referrer, referrerPolicy } = input;
  return { referrer, referrerPolicy };
}
