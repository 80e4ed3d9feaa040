interface Pause {
  readonly recheckAt: number;
  readonly until: number;
}

const noHosts: readonly string[] = [];

/** The hosts that get no requests because no proxy is available for them. Times are epoch ms. */
export class HostPauses {
  readonly #pauses = new Map<string, Pause>();

  /** Pauses a host until `until`. The host is checked again at `recheckAt`. */
  pause(host: string, until: number, recheckAt: number): void {
    this.#pauses.set(host, { until, recheckAt });
  }

  /** Removes and returns the hosts to check again at `now`. */
  takeDue(now: number): readonly string[] {
    if (this.#pauses.size === 0) return noHosts;
    const hosts = [...this.#pauses].filter(([, { recheckAt }]) => recheckAt <= now).map(([host]) => host);
    for (const host of hosts) this.#pauses.delete(host);
    return hosts;
  }

  /** When to check the first host again; undefined when no host is paused. */
  get nextRecheckAt(): number | undefined {
    return earliest([...this.#pauses.values()].map(({ recheckAt }) => recheckAt));
  }

  /** When the first pause ends; undefined when no host is paused. */
  get nextEndAt(): number | undefined {
    return earliest([...this.#pauses.values()].map(({ until }) => until));
  }
}

/** Returns the earliest of some times; undefined when all are undefined. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
