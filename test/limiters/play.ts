import { Session } from "@holdfast/http";
import { getPort } from "../support/loopback-server.ts";
import { limiters } from "./servers.mjs";

const [limit, window, calls] = [20, 2_000, 100];
/** Five windows, of which the last one needs no wait, in milliseconds. */
const ideal = (Math.ceil(calls / limit) - 1) * window;

/** The result of a hundred calls, made at once, to a server that allows 20 requests per 2 s. */
export interface Play {
  readonly name: string;
  /** The time of all calls, as a multiple of `ideal`, and the highest ratio that is good enough. */
  readonly ratio: number;
  readonly highestRatio: number;
  readonly sent: number;
  /** Calls that ended with a 200. */
  readonly ok: number;
}

const mostSent = 200;
/** A server that announces nothing has to be searched for its window. */
const highestRatios = { announced: 1.1, mute: 1.3 } as const;

/** Returns what a result lacks, or undefined if it is good enough. */
export function shortcoming({ name, ratio, highestRatio, sent, ok }: Play): string | undefined {
  if (ok < calls) return `${name}: ${calls - ok} of ${calls} calls did not end with a 200`;
  if (sent > mostSent) return `${name}: ${sent} requests were sent, expected at most ${mostSent}`;
  if (ratio <= highestRatio) return undefined;
  return `${name}: took ${ratio.toFixed(2)} times as long as the ideal, expected at most ${highestRatio}`;
}

/** Makes the calls to a server with this limiter. */
export async function playLimiter(name: string): Promise<Play> {
  const start = limiters[name];
  if (start === undefined) throw new TypeError(`Expected the name of a limiter, got ${name}`);
  const server = await start({ limit, window });
  try {
    await using session = new Session();
    let sent = 0;
    server.on("request", () => (sent += 1));
    const url = `http://127.0.0.1:${getPort(server)}/`;
    const began = performance.now();
    const results = await Promise.allSettled(Array.from({ length: calls }, () => session.get(url)));
    const ratio = (performance.now() - began) / ideal;
    const ok = results.filter((result) => result.status === "fulfilled" && result.value.ok).length;
    const highestRatio = name.endsWith("no headers") ? highestRatios.mute : highestRatios.announced;
    return { name, ratio, highestRatio, sent, ok };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
