import type { Clock } from "@holdfast/policy";

/** Looks up the addresses of a name, in the order in which to try them. */
export type Lookup = (hostname: string) => Promise<readonly string[]>;

interface RunningLookup {
  readonly addresses: Promise<readonly string[]>;
  /** On the clock of the request that started the lookup. */
  readonly startedAt: number;
}

// The system's resolver looks up four names at a time, for the whole process.
const runningLookups = new WeakMap<Lookup, Map<string, RunningLookup>>();

// An older lookup may never end: the packet of a resolver may be lost. Joining it would fail every later attempt too.
const maxSharedAgeMs = 1_000;

/**
 * Looks up a name, or joins the lookup of the same name by the same function that started in the last second and is still
 * under way. Results are not kept.
 */
export function lookUpShared(
  hostname: string,
  { lookup, clock }: { readonly lookup: Lookup; readonly clock: Clock },
): Promise<readonly string[]> {
  const running = runningLookups.get(lookup) ?? new Map<string, RunningLookup>();
  runningLookups.set(lookup, running);
  const startedAt = clock.now();
  const known = running.get(hostname);
  if (known !== undefined && Math.abs(startedAt - known.startedAt) < maxSharedAgeMs) return known.addresses;
  const started = { addresses: Promise.resolve(lookup(hostname)), startedAt };
  running.set(hostname, started);
  const forget = (): void => {
    if (running.get(hostname) === started) running.delete(hostname);
  };
  started.addresses.then(forget, forget);
  return started.addresses;
}
