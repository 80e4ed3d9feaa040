import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@holdfast/policy";
import type { SimulatedReply, SimulatedServer } from "./simulated-limit.ts";

/** Numbers of accepted and refused requests. */
export interface LimitedCounts {
  readonly accepted: number;
  readonly refused: number;
}

/** A server on loopback that enforces a limit. Dispose of it to stop it. */
export interface LimitedOrigin extends AsyncDisposable {
  readonly url: string;
  /** Counts the replies between two times, in milliseconds since the first request. */
  counts(from: number, to: number): LimitedCounts;
}

/** Starts a server that replies 200, or 429 with the Retry-After and RateLimit of its limit. */
export async function limitedOrigin(limit: SimulatedServer): Promise<LimitedOrigin> {
  const replies: { readonly at: number; readonly ok: boolean }[] = [];
  let begin: number | undefined;
  const server = createServer((_request, response) => {
    const now = systemClock.now();
    begin ??= now;
    const at = now - begin;
    const reply = limit(at);
    replies.push({ at, ok: reply.ok });
    response.writeHead(reply.ok ? 200 : 429, toHeaders(reply)).end(reply.ok ? "welcome" : "slow down");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has one
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts: (from, to) => {
      const within = replies.filter(({ at }) => at >= from && at < to);
      const accepted = within.filter(({ ok }) => ok).length;
      return { accepted, refused: within.length - accepted };
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toHeaders({ ok, delay, limit, spent }: SimulatedReply): Record<string, string> {
  const seconds = delay === undefined ? undefined : String(Math.ceil(delay / 1_000));
  return {
    ...(!ok && seconds !== undefined && { "retry-after": seconds }),
    ...((spent === true || !ok) && seconds !== undefined && { ratelimit: `"default";r=0;t=${seconds}` }),
    ...(limit !== undefined && {
      "ratelimit-policy": `"default";q=${limit.requests};w=${limit.window / 1_000}`,
    }),
  };
}
