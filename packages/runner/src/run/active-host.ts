import { admit } from "../host/admission.ts";
import type { HostRule, HostState } from "../host/host-state.ts";
import type { JobLease, StoredHost } from "../ledger/ledger.ts";

/** A host that a run works on: its state, its requests in flight, and lines that are claimed for it. Times are epoch ms. */
export interface ActiveHost extends Omit<StoredHost, "state"> {
  state: HostState;
  readonly rule: HostRule;
  /** When the requests in flight started, by the id of their line. */
  readonly started: Map<number, number>;
  /** How long its requests have held places, in ms. Those in flight count as long as its latest one. */
  used: number;
  /** The duration of its latest request in ms. */
  latest: number;
  /** Lines that are claimed and not started. */
  readonly leases: JobLease[];
  /** Whether the ledger may have more lines for it now. */
  mayHaveLines: boolean;
  /** When its next line is due; undefined when it has none. */
  nextDueAt: number | undefined;
  /** Whether it waits for a proxy. */
  isPaused: boolean;
}

/** Whether a host can start a request, and when it can otherwise; undefined: not before something else happens. */
export type Turn =
  | { readonly at: "start"; readonly isProbe: boolean }
  | { readonly at: "wait"; readonly until: number | undefined };

/** Returns an active host of a stored one. */
export function activate(host: StoredHost, rule: HostRule, used: number): ActiveHost {
  return {
    ...host,
    rule,
    started: new Map(),
    used,
    latest: 1,
    leases: [],
    mayHaveLines: true,
    nextDueAt: undefined,
    isPaused: false,
  };
}

const never = { at: "wait", until: undefined } as const;

/** Returns whether a host can start a request at `now`: its state admits one, and it has a line. */
export function turnOf(host: ActiveHost, now: number): Turn {
  if (host.isPaused) return never;
  const admission = admit(host.state, now, {
    inFlight: host.started.size,
    perHost: host.rule.perHost,
  });
  switch (admission.at) {
    case "gone":
    case "full":
      return never;
    case "wait":
      return hasLines(host) ? admission : never;
    case "start":
      if (host.leases.length > 0 || host.mayHaveLines) return admission;
      if (host.nextDueAt === undefined) return never;
      return host.nextDueAt <= now ? admission : { at: "wait", until: host.nextDueAt };
  }
}

/** Returns whether a host has a line that is not in flight. */
export function hasLines({ leases, mayHaveLines, nextDueAt }: ActiveHost): boolean {
  return leases.length > 0 || mayHaveLines || nextDueAt !== undefined;
}

/** Returns whether `a` comes before `b`: a host without a request in flight first, then the one that has used less time. */
export function comesBefore(a: ActiveHost, b: ActiveHost): boolean {
  const isIdle = a.started.size === 0;
  if (isIdle !== (b.started.size === 0)) return isIdle;
  return a.used < b.used;
}
