import type { Clock } from "@holdfast/policy";
import type { Connector } from "../connect/connector.ts";
import { errorCode } from "../errors/error-code.ts";
import type { IdleConnections } from "./idle-connections.ts";

// Waits between two openings: idle connections have closed after the first, others of the process may need longer.
const firstWaitMs = 10;
const longestWaitMs = 250;

/**
 * Returns a connector for a process that may run out of file descriptors. When one cannot be opened for the lack of one, it
 * closes all idle connections and opens the connection again, within the same limit.
 */
export function reopenWithoutDescriptors(
  connect: Connector,
  { idle, clock }: { readonly idle: IdleConnections; readonly clock: Clock },
): Connector {
  return async (origin, { connectLimit, proxyLimits }, signal) => {
    const end = clock.now() + connectLimit;
    let left = connectLimit;
    for (let wait = firstWaitMs; ; wait = Math.min(2 * wait, longestWaitMs)) {
      try {
        return await connect(origin, { connectLimit: left, proxyLimits }, signal);
      } catch (error) {
        if (!lacksDescriptors(error)) throw error;
        idle.closeAll();
        if (clock.now() + wait >= end) throw error;
      }
      await clock.sleep(wait, signal);
      left = Math.ceil(end - clock.now());
    }
  };
}

/** Whether an error, or its cause, says that the process or the system has no file descriptor left. */
function lacksDescriptors(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  return code === "EMFILE" || code === "ENFILE" || lacksDescriptors(error.cause);
}
