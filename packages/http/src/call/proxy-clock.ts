import type { Clock } from "@holdfast/policy";
import type { ProviderRoute } from "../proxy/route/route.ts";
import type { HttpRequest } from "../model/request.ts";

/** The clock of a call that goes through a pool. */
export interface ProxyClock extends Clock {
  /** Says what the next sleep is for; one that is not told is for nothing but time. */
  expect(wait: ExpectedWait): void;
}

/** A wait between two attempts, in milliseconds. */
export interface ExpectedWait {
  /** How long the call waits at least, and at whose word. */
  readonly minimum: number;
  readonly source: string;
  /** What is to be waited in any case. */
  readonly backOff: number;
}

export interface ProxyWaiter {
  readonly route: ProviderRoute;
  readonly request: HttpRequest;
  /** Hears that a proxy was fit sooner, and how long the wait was. */
  readonly sooner: (waited: number) => void;
}

// Who waits at least for a time and yet by the back-off, waits until a proxy is fit.
const forProxy: ReadonlySet<string> = new Set(["back-off", "no-proxy"]);

/** Makes a clock whose sleeps end before their time when they are for a proxy and one is fit sooner, but not before the back-off. */
export function proxyClock(clock: Clock, { route, request, sooner }: ProxyWaiter): ProxyClock {
  const { provider, country, identity } = route;
  const { url, method, headers } = request;
  let next: ExpectedWait | undefined;
  return {
    ...clock,
    now: () => clock.now(),
    date: () => clock.date(),
    expect: (wait) => {
      next = wait.minimum > 0 && forProxy.has(wait.source) ? wait : undefined;
    },
    sleep: async (delay, signal) => {
      const wait = next;
      next = undefined;
      if (wait === undefined) return clock.sleep(delay, signal);
      const began = clock.now();
      const asked = { url, method, headers, country, identity, signal, clock };
      if (!(await provider.wait(asked, { delay, availableIn: wait.minimum }))) return;
      const rest = wait.backOff - (clock.now() - began);
      if (rest > 0) await clock.sleep(rest, signal);
      sooner(clock.now() - began);
    },
  };
}
