import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectTimeoutError, ProxyError } from "../../errors/transport-errors.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import { destroy, within } from "../connect/with-timeout.ts";

/** A leg of the way through a proxy: TCP to it, TLS with it, the tunnel, TLS with the origin. */
export type Leg = keyof ProxyTimeouts;

export interface Journey {
  readonly clock: Clock;
  /** Milliseconds for all legs together. */
  readonly limit: number;
  readonly own: ProxyTimeouts | undefined;
  readonly signal: AbortSignal;
  /** Host and port of the proxy and of the origin, for messages. */
  readonly proxy: string;
  readonly origin: string;
}

/** A journey that has begun. */
export interface Travel {
  /**
   * Does the work of a leg within its limit, and within what is left for all.
   *
   * @throws ProxyError that says which leg took too long, ConnectTimeoutError where the proxy has done its part; what the work throws.
   */
  leg<T extends Socket>(leg: Leg, work: (ended: AbortSignal) => Promise<T>): Promise<T>;
  /** Looks up the origin's name within what is left. @throws ConnectTimeoutError; what the work throws. */
  name<T>(work: () => Promise<T>): Promise<T>;
}

/** Begins a journey through a proxy. */
export function journey({ clock, limit, own, signal, proxy, origin }: Journey): Travel {
  const end = clock.now() + limit;
  const left = (): number => Math.max(0, end - clock.now());
  return {
    leg(leg, work) {
      const most = Math.min(own?.[leg] ?? shareOf(leg, limit), left());
      const late = (): Error =>
        leg === "origin"
          ? new ConnectTimeoutError(origin, Math.ceil(most), "tls")
          : tooLate(leg, proxy, Math.ceil(most));
      return within({ clock, limit: most, signal, target: origin, late }, work, destroy);
    },
    name: (work) =>
      within(
        {
          clock,
          limit: left(),
          signal,
          target: origin,
          late: () => new ConnectTimeoutError(origin, limit, "dns"),
        },
        work,
        () => undefined,
      ),
  };
}

// A proxy that is to be of use answers fast; half is left for what it has to do then.
function shareOf(leg: Leg, limit: number): number {
  return leg === "connect" || leg === "tls" ? limit / 2 : limit;
}

function tooLate(leg: Exclude<Leg, "origin">, proxy: string, limit: number): ProxyError {
  const [reason, what] = missed[leg];
  const cause = new ConnectTimeoutError(proxy, limit, leg === "tls" ? "tls" : "connect");
  return new ProxyError(`The proxy ${proxy} ${what} within ${limit} ms`, { reason, cause });
}

const missed: Readonly<Record<Exclude<Leg, "origin">, readonly [ProxyReason, string]>> = {
  connect: ["timeout-connect", "was not reached"],
  tls: ["timeout-tls", "did not finish the TLS handshake"],
  tunnel: ["timeout-tunnel", "opened no tunnel"],
};
