/** Hosts that nothing is sent to for a while because no proxy is fit for them. Times are epoch ms. */
export class HostPauses {
  readonly #pauses = new Map<string, { readonly lookAt: number; readonly until: number }>();

  /** Pauses a host until an instant; at `lookAt` it is worth another look. */
  pause(host: string, until: number, lookAt: number): void {
    this.#pauses.set(host, { until, lookAt });
  }

  /** Gives the hosts that are worth another look, once. */
  takeDue(now: number): readonly string[] {
    if (this.#pauses.size === 0) return none;
    const hosts = [...this.#pauses].filter(([, { lookAt }]) => lookAt <= now).map(([host]) => host);
    for (const host of hosts) this.#pauses.delete(host);
    return hosts;
  }

  /** When the first host is worth another look; undefined when none is paused. */
  get nextRecheckAt(): number | undefined {
    return earliest([...this.#pauses.values()].map(({ lookAt }) => lookAt));
  }

  /** When the first pause is over. */
  get nextEndAt(): number | undefined {
    return earliest([...this.#pauses.values()].map(({ until }) => until));
  }
}

/** Gives the earliest of some times; undefined when there is none. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

const none: readonly string[] = [];
