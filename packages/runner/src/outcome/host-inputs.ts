import type { HostInput } from "../host/host-input.ts";
import type { HostKey } from "../host/host-key.ts";
import type { JobLease } from "../ledger/ledger.ts";
import type { FetchResult } from "./fetch-job.ts";
import type { FetchVerdict, Verdict } from "./fetcher.ts";
import { findVerdict } from "./proxied-outcome.ts";
import { findSuspension, repeatedAttempts, verdictOfSuspension } from "./suspended-outcome.ts";

/** The circumstances of a request. Times are epoch ms. */
export interface RequestFacts {
  readonly now: number;
  readonly sentAt: number;
  /** Requests in flight to the host, with this one. */
  readonly inFlight: number;
  /** When the latest response of another name was requested. */
  readonly othersRespondedAt: number;
  /** Whether the request went through a pool of proxies, which keeps what it learns for each pair of proxy and host. */
  readonly isProxied: boolean;
  /** The longest wait that a server may ask for, in ms. */
  readonly maxDeferDelay: number;
  readonly hostKey: HostKey;
}

/** The part of an attempt record that says something about its host. */
interface AttemptFacts {
  readonly verdict?: Verdict;
  readonly url?: string;
  readonly startedAt?: number;
  readonly elapsed?: number;
  readonly status?: number;
  readonly phases?: { readonly headers?: number; readonly body?: number };
  readonly requestedDelay?: number;
  readonly delaySource?: string;
}

/** Returns what a request says about its host: one input for each attempt that was sent there. */
export function toHostInputs(lease: JobLease, result: FetchResult, facts: RequestFacts): HostInput[] {
  const suspension = findSuspension(result);
  const source = suspension === undefined ? findVerdict(result) : verdictOfSuspension(suspension);
  if (source === undefined) return [{ type: "nothing", now: facts.now, sentAt: facts.sentAt }];
  const attempts = readAttempts(result, source).slice(suspension === undefined ? repeatedAttempts(lease) : 0);
  const key = facts.hostKey(lease.job.url);
  const own = attempts.filter(({ url }) => url === undefined || facts.hostKey(url) === key);
  const { retryAt } = source;
  const last = attempts.at(-1);
  const inputs = own.map((attempt) =>
    toHostInput(lease, attempt, { ...facts, retryAt, isLast: attempt === last }),
  );
  return inputs.length > 0 ? inputs : [{ type: "nothing", now: facts.now, sentAt: facts.sentAt }];
}

/** Without a record of its own, the last attempt has the verdict of the result. */
function readAttempts(result: FetchResult, source: FetchVerdict): readonly AttemptFacts[] {
  const { verdict } = source;
  const status = result.ok ? result.response.status : undefined;
  const records = source.attempts.filter(isObject);
  const last = { ...(status !== undefined && { status }), verdict, ...records.at(-1) };
  return [...records.slice(0, -1), last];
}

function isObject(value: unknown): value is AttemptFacts {
  return typeof value === "object" && value !== null;
}

/** Failures of a body after its head. */
const bodyFailures: ReadonlySet<string> = new Set(["incomplete-body", "decode", "body-digest", "too-large"]);
/** Failures without a response, and whether a connection was opened before. */
const silences: ReadonlyMap<string, boolean> = new Map([
  ["dns", false],
  ["unreachable", false],
  ["refused", false],
  ["timeout-connect", false],
  ["connection", false],
  ["tls", false],
  ["reset", true],
  ["timeout-read", true],
  ["timeout-attempt", true],
  ["timeout-wire", true],
]);

interface Timed {
  readonly now: number;
  readonly sentAt: number;
}

type AttemptContext = RequestFacts & { readonly retryAt: number | undefined; readonly isLast: boolean };

function toHostInput({ job }: JobLease, attempt: AttemptFacts, context: AttemptContext): HostInput {
  const { status, verdict, phases } = attempt;
  const timed = readTimes(attempt, context);
  if (verdict === undefined) return { type: "nothing", ...timed };
  if (status !== undefined && status < 400)
    return { type: "served", ...timed, ttfb: phases?.headers, inFlight: context.inFlight };
  if (context.isProxied) return { type: "nothing", ...timed };
  if (status === undefined) return { ...timed, ...classifyError(job.id, verdict, { attempt, context }) };
  const delay = readDelay(attempt, timed, context);
  return { ...timed, ...classifyStatus(status, { url: job.url, attempt, delay }) };
}

type ErrorInput =
  | { readonly type: "responded" | "nothing" }
  | { readonly type: "paced"; readonly until: number; readonly source: string }
  | { readonly type: "unknown-name"; readonly line: number; readonly othersRespondedAt: number }
  | {
      readonly type: "silent";
      readonly line: number;
      readonly reason: string;
      readonly isReached: boolean;
      readonly isLast: boolean;
    };

function classifyError(
  line: number,
  { kind, reason }: Verdict,
  { attempt, context }: { readonly attempt: AttemptFacts; readonly context: AttemptContext },
): ErrorInput {
  const { retryAt, now, maxDeferDelay, othersRespondedAt, isLast } = context;
  if (bodyFailures.has(reason) || attempt.phases?.body !== undefined) return { type: "responded" };
  if (kind === "throttled" && retryAt !== undefined) {
    const until = Math.min(retryAt, now + maxDeferDelay);
    return { type: "paced", until, source: attempt.delaySource ?? reason };
  }
  if (reason === "dns-not-found") return { type: "unknown-name", line, othersRespondedAt };
  const isReached = silences.get(reason);
  return isReached === undefined ? { type: "nothing" } : { type: "silent", line, reason, isReached, isLast };
}

/** An attempt ends at its own time, which may lie before that of the result. */
function readTimes({ startedAt = 0, elapsed = 0 }: AttemptFacts, { now, sentAt }: AttemptContext): Timed {
  const sent = Math.max(sentAt, startedAt);
  return { sentAt: sent, now: Math.min(now, Math.max(sent, startedAt + elapsed)) };
}

/** Returns the wait that the server asked for, in ms; 0 when it named none. */
function readDelay(
  { requestedDelay = 0 }: AttemptFacts,
  { now }: Timed,
  { retryAt = 0, maxDeferDelay }: AttemptContext,
): number {
  return Math.min(Math.max(requestedDelay, retryAt - now, 0), maxDeferDelay);
}

type StatusInput =
  | { readonly type: "refused" | "responded" }
  | {
      readonly type: "throttled";
      readonly delay: number;
      readonly source: string;
      readonly isServerFailure: boolean;
    }
  | { readonly type: "failed"; readonly path: string };

function classifyStatus(
  status: number,
  { url, attempt, delay }: { readonly url: string; readonly attempt: AttemptFacts; readonly delay: number },
): StatusInput {
  if (status === 401 || status === 403) return { type: "refused" };
  const { verdict, delaySource: source = "retry-after" } = attempt;
  const isServerFailure = verdict?.kind !== "throttled";
  if (!isServerFailure || (status === 503 && delay > 0))
    return { type: "throttled", delay, source, isServerFailure };
  return status >= 500 ? { type: "failed", path: new URL(url).pathname } : { type: "responded" };
}
