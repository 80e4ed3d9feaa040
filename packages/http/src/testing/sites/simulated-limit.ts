import {
  afterAccepted,
  afterSent,
  freePace,
  nextSendTime,
  afterLimitHit,
  type Pace,
} from "../../pacing/pace.ts";
import { emptyTally } from "../../pacing/tally.ts";
import type { StatedLimit } from "../../retry/dialects/dialect.ts";

/** The reply of a simulated server to one request. */
export interface SimulatedReply {
  readonly ok: boolean;
  /** The announced wait in milliseconds. */
  readonly delay?: number;
  /** The announced limit. */
  readonly limit?: StatedLimit;
  /** Whether the reply announces that no further request is allowed for now. */
  readonly spent?: boolean;
}

/** A server with a limit. Receives the arrival time of a request in milliseconds. */
export type SimulatedServer = (now: number) => SimulatedReply;

/** Returns the announcement of a server with `left` requests and `until` milliseconds left in its window. */
export type Wording = (left: number, until: number) => Omit<SimulatedReply, "ok">;

/** Creates a server that counts requests in windows with fixed start times. */
export function fixedWindow({ requests, window }: StatedLimit, say: Wording): SimulatedServer {
  let at = -1;
  let count = 0;
  return (now) => {
    const index = Math.floor(now / window);
    count = index === at ? count + 1 : 1;
    at = index;
    const ok = count <= requests;
    const words = say(requests - count, (index + 1) * window - now);
    return ok && words.spent !== true ? { ok } : { ok, ...words };
  };
}

/** Creates a server that counts the requests in a sliding window. */
export function slidingLog(
  { requests, window }: StatedLimit,
  refusal: Omit<SimulatedReply, "ok">,
): SimulatedServer {
  let log: number[] = [];
  return (now) => {
    log = log.filter((at) => at > now - window);
    if (log.length >= requests) return { ok: false, ...refusal };
    log.push(now);
    return { ok: true };
  };
}

/** Creates a server with a token bucket that refills evenly (GCRA; one token is nginx's `limit_req`). */
export function bucket(
  { requests, window }: StatedLimit,
  tokens: number,
  refusal: Omit<SimulatedReply, "ok">,
): SimulatedServer {
  const interval = window / requests;
  let arrival = -Infinity;
  return (now) => {
    const next = Math.max(arrival, now);
    if (next - now > (tokens - 1) * interval) return { ok: false, ...refusal };
    arrival = next + interval;
    return { ok: true };
  };
}

/** The result of a simulation. */
export interface Simulated {
  /** The share of refusals after the first second. */
  readonly refused: number;
  /** Requests accepted per second, over the whole time. */
  readonly throughput: number;
}

interface RequestInFlight {
  readonly repliedAt: number;
  readonly sentAt: number;
  readonly reply: SimulatedReply;
}

/**
 * Simulates clients that always have a next request, at the learned pace, against a server. Timers are up to 2 ms late,
 * and each direction takes 1 to 3 ms.
 */
export function simulate(
  server: SimulatedServer,
  {
    clients,
    seconds,
    random,
  }: { readonly clients: number; readonly seconds: number; readonly random: () => number },
): Simulated {
  let pace: Pace = freePace(emptyTally(0));
  let inFlight: RequestInFlight[] = [];
  let now = 0;
  const counts = { late: 0, refusedLate: 0, accepted: 0 };
  const latency = (): number => 1 + 2 * random();
  const receive = ({ repliedAt, sentAt, reply }: RequestInFlight): void => {
    now = Math.max(now, repliedAt);
    if (reply.ok) counts.accepted += 1;
    if (sentAt > 1_000) counts.late += 1;
    if (sentAt > 1_000 && !reply.ok) counts.refusedLate += 1;
    if (reply.ok) pace = afterAccepted(pace, now, sentAt);
    if (reply.ok && reply.spent !== true) return;
    const isDelayStated = reply.delay !== undefined;
    const delay = reply.delay !== undefined && reply.delay > 0 ? reply.delay : 1_000 * random();
    pace = afterLimitHit(pace, {
      now,
      sentAt,
      delay,
      isDelayStated,
      limit: reply.limit,
      accepted: reply.ok,
      isServerFailure: false,
      hasWaiters: true,
    });
  };
  while (now < seconds * 1_000) {
    inFlight = inFlight.toSorted((one, other) => one.repliedAt - other.repliedAt);
    const turn =
      inFlight.length < clients
        ? nextSendTime(pace, now, { inFlight: inFlight.length, waiting: clients })
        : Infinity;
    const [first] = inFlight;
    if (first !== undefined && first.repliedAt <= Math.max(now, turn)) {
      inFlight = inFlight.slice(1);
      receive(first);
      continue;
    }
    now = turn > now ? turn + 2 * random() : now;
    pace = afterSent(pace, now);
    const arrivesAt = now + latency();
    inFlight.push({ sentAt: now, repliedAt: arrivesAt + latency(), reply: server(arrivesAt) });
  }
  return { refused: counts.refusedLate / counts.late, throughput: counts.accepted / seconds };
}
