import { systemClock, type Policy } from "@holdfast/policy";
import type { SessionOptions } from "../call/options.ts";
import { isModern, type Dispatch } from "../dispatch/contract.ts";
import { dispatchThrough } from "../dispatch/engine.ts";
import { Retry } from "../retry/retry.ts";
import { engineOf } from "../session/session.ts";
import { toFetchSession } from "../session/create-fetch.ts";
import { connectionOptions } from "../session/extend.ts";
import { isFunction, isObject, refuse, type Problem } from "../support/validate.ts";
import { checkCredentials } from "./check-credentials.ts";
import { DispatchAdapter } from "./dispatch-adapter.ts";
import type { Interceptor } from "./dispatcher.ts";

/** The options of a session, without those of its connections. */
export type InterceptorOptions = Omit<
  SessionOptions,
  | "maxConnections"
  | "maxIdleConnections"
  | "strictHeaders"
  | "tls"
  | "http2"
  | "lookup"
  | "localAddress"
  | "family"
  | "socketPath"
  | "addresses"
  | "allowAddresses"
  | "proxyResolves"
  | "proxy"
  | "trustEnvironment"
  | "enableUnixSockets"
>;

/**
 * Returns an interceptor for `compose()` of a dispatcher of undici: requests get the retries and rate limits of a session, and the
 * dispatcher sends them with its own connections, proxies or mocks.
 *
 * `policy` are options of a session, a number of retries, a `Retry`, or any policy, such as `breaker()`, which then decides alone.
 *
 * ```ts
 * const agent = new Agent().compose(interceptor({ retry: 5 }));
 * ```
 *
 * @throws TypeError or RangeError for an unknown option or a wrong value, with its name.
 */
export function interceptor(policy: InterceptorOptions | Retry | number | Policy = {}): Interceptor {
  const options = toOptions(policy);
  refuse("interceptor", problemWithConnections(options));
  const { clock = systemClock } = options;
  // Reports a wrong option now, and not when the interceptor is used.
  checkCredentials("interceptor", engineOf(toFetchSession({ ...options, trustEnvironment: false })));
  return (below) => {
    const session = toFetchSession({ ...options, trustEnvironment: false });
    const adapter = new DispatchAdapter(below, clock);
    session.mount("https://", adapter).mount("http://", adapter);
    const engine = engineOf(session);
    const dispatch: Dispatch = (sent, handler) => {
      if (Boolean(sent.upgrade) || sent.method === "CONNECT") return below(sent, handler);
      const dispatched = { options: sent, isModern: isModern(handler) };
      return dispatchThrough(engine, [sent, handler], { dispatched });
    };
    return dispatch;
  };
}

function toOptions(policy: InterceptorOptions | Retry | number | Policy): SessionOptions {
  if (typeof policy !== "object" || policy instanceof Retry) return { retry: policy };
  return isPolicy(policy) ? { policy: () => policy, retry: 0 } : policy;
}

function isPolicy(value: object): value is Policy {
  return "execute" in value && isFunction(value.execute);
}

const ofConnections = [...connectionOptions, "proxy", "trustEnvironment", "enableUnixSockets"].filter(
  (name) => name !== "clock",
);

function problemWithConnections(options: unknown): Problem | undefined {
  if (!isObject(options)) return undefined;
  const name = ofConnections.find((each) => options[each] !== undefined);
  if (name === undefined) return undefined;
  const says =
    "cannot be used here: the dispatcher below opens the connections. Set it there, or use dispatcher()";
  return { at: `.${name}`, says, range: false };
}
