import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import { ConnectTimeoutError, ProxyError } from "../../errors/transport-errors.ts";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import { destroySocket, withTimeout } from "./with-timeout.ts";

/** A leg of the way through a proxy: TCP to it, TLS with it, the tunnel, TLS with the origin. */
export type ProxyPhase = keyof ProxyTimeouts;

export interface ProxyConnectLimits {
  readonly clock: Clock;
  /** Milliseconds for all legs together. */
  readonly limit: number;
  readonly phaseLimits: ProxyTimeouts | undefined;
  readonly signal: AbortSignal;
  /** Host and port of the proxy and of the origin, for messages. */
  readonly proxy: string;
  readonly origin: string;
}

/** A journey that has begun. */
export interface LimitedPhases {
  /**
   * Does the work of a leg within its limit, and within what is left for all.
   *
   * @throws ProxyError that says which leg took too long, ConnectTimeoutError where the proxy has done its part; what the work throws.
   */
  runPhase<T extends Socket>(leg: ProxyPhase, work: (ended: AbortSignal) => Promise<T>): Promise<T>;
  /** Looks up the origin's name within what is left. @throws ConnectTimeoutError; what the work throws. */
  lookUpOrigin<T>(work: () => Promise<T>): Promise<T>;
}

/** Begins a journey through a proxy. */
export function limitPhases({
  clock,
  limit,
  phaseLimits: own,
  signal,
  proxy,
  origin,
}: ProxyConnectLimits): LimitedPhases {
  const end = clock.now() + limit;
  const left = (): number => Math.max(0, end - clock.now());
  return {
    runPhase(leg, work) {
      const most = Math.min(own?.[leg] ?? defaultLimit(leg, limit), left());
      const late = (): Error =>
        leg === "origin"
          ? new ConnectTimeoutError(origin, Math.ceil(most), "tls")
          : phaseTimeoutError(leg, proxy, Math.ceil(most));
      return withTimeout(
        { clock, limit: most, signal, target: origin, timeoutError: late },
        work,
        destroySocket,
      );
    },
    lookUpOrigin: (work) =>
      withTimeout(
        {
          clock,
          limit: left(),
          signal,
          target: origin,
          timeoutError: () => new ConnectTimeoutError(origin, limit, "dns"),
        },
        work,
        () => undefined,
      ),
  };
}

// A proxy that is to be of use answers fast; half is left for what it has to do then.
function defaultLimit(leg: ProxyPhase, limit: number): number {
  return leg === "connect" || leg === "tls" ? limit / 2 : limit;
}

function phaseTimeoutError(leg: Exclude<ProxyPhase, "origin">, proxy: string, limit: number): ProxyError {
  const [reason, what] = timeoutReasons[leg];
  const cause = new ConnectTimeoutError(proxy, limit, leg === "tls" ? "tls" : "connect");
  return new ProxyError(`The proxy ${proxy} ${what} within ${limit} ms`, { reason, cause });
}

const timeoutReasons: Readonly<Record<Exclude<ProxyPhase, "origin">, readonly [ProxyReason, string]>> = {
  connect: ["timeout-connect", "was not reached"],
  tls: ["timeout-tls", "did not finish the TLS handshake"],
  tunnel: ["timeout-tunnel", "opened no tunnel"],
};
