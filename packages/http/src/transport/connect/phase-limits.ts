import type { Socket } from "node:net";
import type { Clock } from "@holdfast/policy";
import type { ProxyReason } from "../../errors/proxy-reason.ts";
import { ConnectTimeoutError, ProxyError } from "../../errors/transport-errors.ts";
import type { ProxyTimeouts } from "../timeouts.ts";
import { destroySocket, withTimeout, type ConnectTimeout } from "./with-timeout.ts";

/** A phase of connecting through a proxy: TCP to the proxy, TLS with the proxy, the tunnel, TLS with the origin. */
export type ProxyPhase = keyof ProxyTimeouts;

/** The limits of one connection through a proxy. */
export interface ProxyConnectLimits {
  readonly clock: Clock;
  /** Milliseconds for all phases together. */
  readonly limit: number;
  /** Milliseconds for single phases, as configured. */
  readonly phaseLimits: ProxyTimeouts | undefined;
  readonly signal: AbortSignal;
  /** Host and port of the proxy and of the origin, for messages. */
  readonly proxy: string;
  readonly origin: string;
  /** Returns a number that grows as the connection progresses. */
  readonly progress: () => number;
}

/** Runs the phases of one connection within their limits. */
export interface LimitedPhases {
  /**
   * Runs a phase within its own limit and the time left for all phases.
   *
   * @throws ProxyError naming the phase that took too long; ConnectTimeoutError when that is the origin's TLS; the errors of
   * `work`.
   */
  runPhase<T extends Socket>(phase: ProxyPhase, work: (ended: AbortSignal) => Promise<T>): Promise<T>;
  /** Looks up the origin's name within the time left. @throws ConnectTimeoutError; the errors of `work`. */
  lookUpOrigin<T>(work: () => Promise<T>): Promise<T>;
}

/** Starts the limits of one connection through a proxy. */
export function limitPhases({
  clock,
  limit,
  phaseLimits,
  signal,
  proxy,
  origin,
  progress,
}: ProxyConnectLimits): LimitedPhases {
  let end = clock.now() + limit;
  const timeLeft = (): number => Math.max(0, end - clock.now());
  const run = async <T>(
    step: Pick<ConnectTimeout, "limit" | "timeoutError">,
    work: (ended: AbortSignal) => Promise<T>,
    discard: (result: T) => void,
  ): Promise<T> => {
    const startedAt = clock.now();
    const result = await withTimeout({ ...step, clock, signal, progress }, work, discard);
    // A phase ends after its limit only if the process was busy, which is not the time of the later phases.
    const duration = clock.now() - startedAt;
    if (duration > step.limit) end += duration;
    return result;
  };
  return {
    runPhase(phase, work) {
      const phaseLimit = Math.min(phaseLimits?.[phase] ?? defaultLimit(phase, limit), timeLeft());
      const timeoutError = (): Error =>
        phase === "origin"
          ? new ConnectTimeoutError(origin, Math.ceil(phaseLimit), "tls")
          : phaseTimeoutError(phase, proxy, Math.ceil(phaseLimit));
      return run({ limit: phaseLimit, timeoutError }, work, destroySocket);
    },
    lookUpOrigin: (work) =>
      run(
        { limit: timeLeft(), timeoutError: () => new ConnectTimeoutError(origin, limit, "dns") },
        work,
        () => undefined,
      ),
  };
}

// A useful proxy responds fast. The other half is left for the phases that follow.
function defaultLimit(phase: ProxyPhase, limit: number): number {
  return phase === "connect" || phase === "tls" ? limit / 2 : limit;
}

function phaseTimeoutError(phase: Exclude<ProxyPhase, "origin">, proxy: string, limit: number): ProxyError {
  const [reason, failure] = timeoutReasons[phase];
  const cause = new ConnectTimeoutError(proxy, limit, phase === "tls" ? "tls" : "connect");
  return new ProxyError(`The proxy ${proxy} ${failure} within ${limit} ms`, { reason, cause });
}

const timeoutReasons: Readonly<Record<Exclude<ProxyPhase, "origin">, readonly [ProxyReason, string]>> = {
  connect: ["timeout-connect", "was not reached"],
  tls: ["timeout-tls", "did not finish the TLS handshake"],
  tunnel: ["timeout-tunnel", "opened no tunnel"],
};
