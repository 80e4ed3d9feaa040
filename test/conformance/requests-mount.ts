import { Mounts } from "../../packages/http/src/adapter/mounts.ts";
import type { Adapter, Vector } from "./adapter.ts";
import { difference } from "./compare.ts";

interface Lookup {
  readonly url: string;
  readonly prefix?: string;
  readonly mount?: number | "default";
}

interface MountVector {
  readonly defaults: boolean;
  readonly mounts: readonly string[];
  readonly order: readonly string[];
  readonly lookups: readonly Lookup[];
}

type Mounted = number | "default";

/** Checks which mounted prefix serves a URL in requests. */
export const requestsMount: Adapter = {
  cases: (vector) => {
    const { order, lookups } = vector as unknown as MountVector;
    return check(vector, { order, mounts: lookups.map(({ mount }) => mount) });
  },
};

/** Plays a case in which a prefix that ends in the middle of a host or port serves nothing. */
export function checkWholeHosts(vector: Vector): string | undefined {
  const { order, lookups } = vector as unknown as MountVector;
  const numbers = numbersOf(vector);
  const mounts = lookups.map(({ url }) => {
    const prefix = order.find((it) => url.toLowerCase().startsWith(it.toLowerCase()) && !cutsHost(it, url));
    return prefix === undefined ? undefined : numbers.get(prefix);
  });
  return check(vector, { order, mounts });
}

/** Whether the prefix that serves some URL ends in the middle of its host or port. */
export function hasCutHost(vector: Vector): boolean {
  const { lookups } = vector as unknown as MountVector;
  return lookups.some(({ prefix, url }) => prefix !== undefined && cutsHost(prefix, url));
}

function cutsHost(prefix: string, url: string): boolean {
  if (!/:\/\/[^/?#\\]+$/.test(prefix)) return false;
  const rest = url.slice(prefix.length);
  const ends = /:\d+$/.test(prefix) ? /^(?:[/?#\\]|$)/ : /^(?::\d*)?(?:[/?#\\]|$)/;
  return !ends.test(rest);
}

function check(
  vector: Vector,
  expected: { readonly order: readonly string[]; readonly mounts: readonly unknown[] },
): string | undefined {
  const { lookups } = vector as unknown as MountVector;
  const mounts = new Mounts<Mounted>();
  for (const [prefix, value] of entriesOf(vector)) mounts.mount(prefix, value);
  return difference(expected, { order: mounts.prefixes, mounts: lookups.map(({ url }) => mounts.get(url)) });
}

function entriesOf(vector: Vector): readonly (readonly [string, Mounted])[] {
  const { defaults, mounts } = vector as unknown as MountVector;
  const first = defaults
    ? ([
        ["https://", "default"],
        ["http://", "default"],
      ] as const)
    : [];
  return [...first, ...mounts.map((prefix, index) => [prefix, index] as const)];
}

function numbersOf(vector: Vector): ReadonlyMap<string, Mounted> {
  return new Map(entriesOf(vector));
}
