import type { HostInput, Timed } from "./host-input.ts";
import {
  afterOutage,
  afterOverload,
  afterServed,
  afterStart,
  firstPace,
  type HostPace,
  type PaceRule,
} from "./host-pace.ts";

/**
 * What a run knows about one host. Plain data, kept in the ledger; times are epoch ms. `docs/internals/host-state.md` has
 * the table of its transitions.
 */
export interface HostState {
  readonly standing: Standing;
  readonly pace: HostPace;
  /** When the host last sent a response with a status below 400. */
  readonly servedAt?: number | undefined;
  /** Attempts without a response since the last response. */
  readonly silence?: Silence | undefined;
  /** Responses of 500 and above since the last one below. */
  readonly failures?: Failures | undefined;
  /** Responses with status 401 or 403 since the last other response. */
  readonly refusals: number;
  /** The latest bursts of requests to slow down. */
  readonly backOff?: BackOff | undefined;
}

/** Whether a host gets requests. */
export type Standing =
  /** It gets as many as its pace allows. */
  | { readonly at: "serving" }
  /** It asked for a pause. */
  | { readonly at: "parked"; readonly until: number; readonly source: string }
  /** Its circuit is open: nothing but one probe at a time, after growing pauses. */
  | (Probes & { readonly at: "silent" | "failing" | "refusing" })
  /** It is given up: its lines end. */
  | { readonly at: "gone"; readonly reason: "host-down" | "dns" };

/** The probes of a host with an open circuit. */
export interface Probes {
  /** Probes that failed. */
  readonly probes: number;
  /** When the next probe may start. */
  readonly probeAt: number;
  /** When the probe that is in flight started: the circuit is half-open. */
  readonly probing?: number | undefined;
}

interface Silence {
  readonly since: number;
  readonly attempts: number;
  /** The line of the first of them, and whether others failed, too. */
  readonly line: number;
  readonly isShared: boolean;
  /** The latest reason, such as "refused". */
  readonly reason: string;
  /** Since when the name of the host is unknown to the resolver. */
  readonly unknownSince?: number | undefined;
}

interface Failures {
  readonly count: number;
  /** The first different paths. */
  readonly paths: readonly string[];
}

interface BackOff {
  readonly level: number;
  /** Requests that were sent before belong to the same burst. */
  readonly at: number;
  /** The level falls to 0 then. */
  readonly decaysAt: number;
}

/** The rules of a run for a host. */
export interface HostRule extends PaceRule {
  /** How long a host may stay silent before its lines end, in ms. */
  readonly giveUp: number;
}

type Response = Exclude<
  HostInput,
  { readonly type: "started" | "silent" | "unknown-name" | "paced" | "nothing" }
>;

/** Attempts in a row without a response that open the circuit. */
const silencesToOpen = 3;
/** Responses in a row of 500 and above that open the circuit, and on how many paths. */
export const failuresToOpen = { responses: 20, paths: 5 } as const;
/** Refusals in a row that hold a host: one that has served before, and one that never has. */
const refusalsToHold = { hasServed: 5, never: 20 } as const;
/** Probes that a host gets before it is given up, however long it was silent. */
export const minProbes = 5;

const second = 1_000;
const minute = 60_000;
/** The pauses before the probes of a circuit, in ms. The last one repeats. */
export const probePauses: Readonly<Record<Open["at"], readonly number[]>> = {
  silent: [1, 2, 4, 8, 15, 30, 60].map((seconds) => seconds * second),
  failing: [5, 10, 20, 40, 60].map((seconds) => seconds * second),
  refusing: [1, 5, 15].map((minutes) => minutes * minute),
};

/** The first and the longest back-off after a response that asks to wait and names no time. */
const backOffs = { first: second, longest: minute } as const;

/** The state of a host that no request was sent to. */
export const newHost: HostState = { standing: { at: "serving" }, pace: firstPace, refusals: 0 };

/** Returns the state of a host after something happened. */
export function nextHostState(state: HostState, input: HostInput, rule: HostRule): HostState {
  switch (input.type) {
    case "started":
      return afterStarted(state, input.now, rule);
    case "silent":
      return afterSilence(state, input, rule);
    case "unknown-name":
      return afterUnknownName(state, input, rule);
    case "paced":
      return afterPaced(state, input);
    case "nothing":
      return withStanding(state, endProbe(state.standing, input));
    case "served":
    case "responded":
    case "refused":
    case "failed":
    case "throttled":
      return afterResponse(state, input, rule);
  }
}

/** Returns the state at the start of a run. A host with an open circuit gets a probe immediately; a pause that it asked for stays. */
export function beginRun(state: HostState, now: number): HostState {
  const { standing } = state;
  switch (standing.at) {
    case "serving":
    case "parked":
      return state;
    case "silent":
    case "failing":
    case "refusing":
      return withStanding(state, {
        at: standing.at,
        probes: standing.probes,
        probeAt: Math.min(now, standing.probeAt),
      });
    case "gone":
      return withStanding(state, { at: "silent", probes: minProbes, probeAt: now });
  }
}

/** Returns the state after the user has asked not to wait any longer. */
export function endPause(state: HostState): HostState {
  return state.standing.at === "parked" ? withStanding(state, { at: "serving" }) : state;
}

function afterStarted(state: HostState, now: number, rule: HostRule): HostState {
  const pace = afterStart(state.pace, rule, now);
  const { standing } = state;
  if (standing.at === "serving" || standing.at === "gone")
    return pace === state.pace ? state : { ...state, pace };
  if (standing.at === "parked") return { ...state, pace, standing: { at: "serving" } };
  return { ...state, pace, standing: { ...standing, probing: now } };
}

function afterResponse(before: HostState, input: Response, rule: HostRule): HostState {
  const state: HostState = { ...before, silence: undefined };
  switch (input.type) {
    case "served": {
      const hasRecovered = isOpen(before.standing) && isProbe(before.standing, input);
      const pace = hasRecovered ? afterOutage(state.pace) : state.pace;
      return serving({ ...state, servedAt: input.now, pace: afterServed(pace, rule, input) }, input);
    }
    case "responded":
      return serving(state, input);
    case "refused":
      return afterRefusal(state, input);
    case "failed":
      return afterFailure(state, input);
    case "throttled":
      return afterThrottling(state, input);
  }
}

/** A usual response resets the counts of refusals and failures, and closes the circuit. A pause that the host asked for stays. */
function serving(state: HostState, input: Timed): HostState {
  return { ...state, refusals: 0, failures: undefined, standing: endOutage(state.standing, input) };
}

function afterRefusal(before: HostState, input: Timed): HostState {
  const state = { ...before, failures: undefined, refusals: before.refusals + 1 };
  if (state.standing.at === "refusing") return withStanding(state, failProbe(state.standing, input));
  const limit = state.servedAt !== undefined ? refusalsToHold.hasServed : refusalsToHold.never;
  if (state.refusals >= limit && state.standing.at !== "parked")
    return withStanding(state, openCircuit("refusing", input));
  return withStanding(state, endOutage(state.standing, input));
}

function afterFailure(before: HostState, input: Timed & { readonly path: string }): HostState {
  const { count, paths } = before.failures ?? { count: 0, paths: [] };
  const isNewPath = paths.length < failuresToOpen.paths && !paths.includes(input.path);
  const failures = { count: count + 1, paths: isNewPath ? [...paths, input.path] : paths };
  const state = { ...before, failures };
  const { standing } = state;
  if (standing.at === "failing" || standing.at === "refusing")
    return withStanding(state, failProbe(standing, input));
  const isAll = failures.count >= failuresToOpen.responses && failures.paths.length >= failuresToOpen.paths;
  if (isAll && standing.at !== "parked") return withStanding(state, openCircuit("failing", input));
  return withStanding(state, endOutage(standing, input));
}

/**
 * One burst is one event: only a request that was sent after the last refusal raises the back-off. A failed server (503) parks
 * the host only when the next request fails, too: the first may concern one resource.
 */
function afterThrottling(
  before: HostState,
  input: Extract<HostInput, { readonly type: "throttled" }>,
): HostState {
  if (!input.isServerFailure) return park(before, input);
  const { count, paths } = before.failures ?? { count: 0, paths: [] };
  const state = { ...before, failures: { count: count + 1, paths } };
  return count === 0 ? withStanding(state, endOutage(state.standing, input)) : park(state, input);
}

function park(state: HostState, input: Extract<HostInput, { readonly type: "throttled" }>): HostState {
  const { now, sentAt, delay, source } = input;
  const { standing, backOff } = state;
  const isSameBurst = backOff !== undefined && sentAt <= backOff.at;
  const level = isSameBurst ? backOff.level : nextLevel(backOff, now);
  const wait = delay > 0 ? delay : Math.min(backOffs.longest, backOffs.first * 2 ** (level - 1));
  const parkedUntil = standing.at === "parked" ? standing.until : -1;
  if (isSameBurst && (delay <= 0 || now + wait <= parkedUntil)) return state;
  const until = Math.max(parkedUntil, now + wait);
  return {
    ...state,
    standing: { at: "parked", until, source },
    pace: afterOverload(state.pace, now, sentAt),
    backOff: { level, at: isSameBurst ? backOff.at : now, decaysAt: until + wait },
  };
}

function nextLevel(backOff: BackOff | undefined, now: number): number {
  return backOff === undefined || now >= backOff.decaysAt ? 1 : backOff.level + 1;
}

function afterPaced(
  state: HostState,
  input: Timed & { readonly until: number; readonly source: string },
): HostState {
  const { standing } = state;
  if (isOpen(standing)) return withStanding(state, endProbe(standing, input));
  const { until, source } = input;
  if (standing.at === "gone" || until <= input.now) return state;
  if (standing.at === "parked" && standing.until >= until) return state;
  return { ...state, standing: { at: "parked", until, source } };
}

type SilentInput = Extract<HostInput, { readonly type: "silent" }>;

function afterSilence(before: HostState, input: SilentInput, rule: HostRule): HostState {
  const { now, sentAt } = input;
  const silence = nextSilence(before, input);
  const state = { ...before, silence, pace: afterOverload(before.pace, now, sentAt) };
  if (isOpen(state.standing)) return failSilentProbe(state, input, rule);
  // A line must not end because its host accepts no connection, or has never responded.
  const isEnough = silence.attempts >= silencesToOpen || (input.isLast && isHostFault(before, input));
  return isEnough && silence.isShared && state.standing.at === "serving"
    ? withStanding(state, openCircuit("silent", input))
    : state;
}

function nextSilence(before: HostState, input: SilentInput): Silence {
  const { now, line, reason } = input;
  const { since, attempts, line: first } = before.silence ?? { since: now, attempts: 0, line };
  return { since, attempts: attempts + 1, line: first, isShared: isShared(before, input), reason };
}

/** A line that a server hangs up on says nothing about the host, until another line fails, too. */
function isShared(before: HostState, input: SilentInput): boolean {
  const { silence } = before;
  if (isHostFault(before, input)) return true;
  return silence !== undefined && (silence.isShared || silence.line !== input.line);
}

function isHostFault({ servedAt }: HostState, { isReached }: SilentInput): boolean {
  return !isReached || servedAt === undefined;
}

/** A name that is unknown opens the circuit immediately. It is given up when other names still respond, and this one is unknown again. */
function afterUnknownName(
  before: HostState,
  input: Extract<HostInput, { readonly type: "unknown-name" }>,
  rule: HostRule,
): HostState {
  const { now, line, othersRespondedAt } = input;
  const unknownSince = before.silence?.unknownSince ?? now;
  const silence: Silence = {
    since: before.silence?.since ?? now,
    attempts: (before.silence?.attempts ?? 0) + 1,
    line,
    isShared: true,
    reason: "dns-not-found",
    unknownSince,
  };
  const state = { ...before, silence };
  if (othersRespondedAt > unknownSince) return withStanding(state, { at: "gone", reason: "dns" });
  if (isOpen(state.standing)) return failSilentProbe(state, input, rule);
  return state.standing.at === "serving" ? withStanding(state, openCircuit("silent", input)) : state;
}

/** After a probe without a response the host is silent, whatever opened its circuit. */
function failSilentProbe(state: HostState, input: Timed, { giveUp }: HostRule): HostState {
  const { standing, silence } = state;
  if (!isOpen(standing) || !isProbe(standing, input)) return state;
  const probes = standing.at === "silent" ? standing.probes : 0;
  const failed = failProbe({ ...standing, at: "silent", probes }, input);
  const isOver = probes + 1 >= minProbes && silence !== undefined && input.now - silence.since >= giveUp;
  return withStanding(state, isOver ? { at: "gone", reason: "host-down" } : failed);
}

type Open = Extract<Standing, Probes>;

/** Returns whether the circuit of a host is open or half-open. */
export function isOpen(standing: Standing): standing is Open {
  return standing.at === "silent" || standing.at === "failing" || standing.at === "refusing";
}

function openCircuit(at: Open["at"], { now }: Timed): Open {
  return { at, probes: 0, probeAt: now + pauseBefore(at, 0) };
}

/** Returns whether the request was the probe, and not one that was in flight before the circuit opened. */
function isProbe({ probing }: Probes, { sentAt }: Timed): boolean {
  return probing !== undefined && sentAt >= probing;
}

function failProbe(standing: Open, input: Timed): Open {
  if (!isProbe(standing, input)) return standing;
  const { at } = standing;
  const probes = standing.probes + 1;
  return { at, probes, probeAt: input.now + pauseBefore(at, probes) };
}

function pauseBefore(at: Open["at"], probes: number): number {
  const pauses = probePauses[at];
  return pauses[Math.min(probes, pauses.length - 1)] ?? minute;
}

/** A response of any kind ends the silence of a host. */
function endOutage(standing: Standing, input: Timed): Standing {
  return isOpen(standing) && isProbe(standing, input) ? { at: "serving" } : standing;
}

/** The probe proved nothing: another one follows. */
function endProbe(standing: Standing, input: Timed): Standing {
  if (!isOpen(standing) || !isProbe(standing, input)) return standing;
  const { at, probes } = standing;
  return { at, probes, probeAt: input.now + second };
}

function withStanding(state: HostState, standing: Standing): HostState {
  return standing === state.standing ? state : { ...state, standing };
}
