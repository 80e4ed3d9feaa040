import type { Clock } from "@holdfast/policy";
import type { ProviderRoute } from "../proxy/route/route.ts";
import type { HttpRequest } from "../model/request.ts";

/** The clock of a call that goes through a pool. */
export interface ProxyClock extends Clock {
  /** Sets the reason of the next sleep. Without it, the sleep takes its full time. */
  expect(wait: ExpectedWait): void;
}

/** A wait between two attempts, in milliseconds. */
export interface ExpectedWait {
  /** The minimum of the wait, and where it comes from. */
  readonly minimum: number;
  readonly source: string;
  /** The part of the wait that applies in any case. */
  readonly backOff: number;
}

/** A call that waits for a proxy. */
export interface ProxyWaiter {
  readonly route: ProviderRoute;
  readonly request: HttpRequest;
  /** Receives the length of a wait that ended early, because a proxy was available. */
  readonly onEarlyEnd: (waited: number) => void;
}

// A wait by the back-off that has a minimum is a wait for a proxy.
const proxyWaitSources: ReadonlySet<string> = new Set(["back-off", "no-proxy"]);

/** Returns a clock that ends sleeps for a proxy as soon as a proxy is available, but not before the back-off. */
export function proxyClock(clock: Clock, { route, request, onEarlyEnd }: ProxyWaiter): ProxyClock {
  const { provider, country, identity } = route;
  const { url, method, headers } = request;
  let next: ExpectedWait | undefined;
  return {
    ...clock,
    now: clock.now.bind(clock),
    date: clock.date.bind(clock),
    expect: (wait) => {
      next = wait.minimum > 0 && proxyWaitSources.has(wait.source) ? wait : undefined;
    },
    sleep: async (delay, signal) => {
      const wait = next;
      next = undefined;
      if (wait === undefined) return clock.sleep(delay, signal);
      const began = clock.now();
      const proxyRequest = { url, method, headers, country, identity, signal, clock };
      if (!(await provider.wait(proxyRequest, { delay, availableIn: wait.minimum }))) return;
      const left = wait.backOff - (clock.now() - began);
      if (left > 0) await clock.sleep(left, signal);
      onEarlyEnd(clock.now() - began);
    },
  };
}
