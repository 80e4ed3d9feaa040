import { failed, type Attempt, type Random } from "@holdfast/policy";
import { seededRandom } from "@holdfast/policy/testing";
import { close, within } from "./compare.ts";
import type { Adapter } from "./adapter.ts";
import { SecondsError, waitOf, type Tree } from "./tenacity-tree.ts";

type Range = readonly [low: number, high: number];

interface WaitVector {
  readonly strategy: Tree;
  readonly attempts: readonly number[];
  readonly seconds?: readonly number[];
  readonly exception_seconds?: readonly number[];
  readonly bounds?: readonly Range[];
  readonly observed?: readonly Range[];
}

const samples = 64;

/** tenacity's wait strategies: exact without randomness, otherwise the bounds of every draw, and draws within them. */
export const tenacityWait: Adapter = {
  cases: (vector) => checkCase(vector as unknown as WaitVector),
  constructor_errors: ({ expression }) => {
    const tree = parseCall(String(expression));
    try {
      waitOf(tree);
    } catch {
      return undefined;
    }
    return `expected an error when ${String(expression)} is built`;
  },
};

function checkCase(vector: WaitVector): string | undefined {
  const wait = waitOf(vector.strategy);
  for (const [index, number] of vector.attempts.entries()) {
    const attempt = attemptOf(number, vector.exception_seconds?.[index]);
    const found = checkAttempt(vector, index, (random) => wait(attempt, random) / 1_000);
    if (found !== undefined) return `attempt ${number}: ${found}`;
  }
  return undefined;
}

type Draw = (random: Random) => number;

function checkAttempt(
  { seconds, bounds, observed }: WaitVector,
  index: number,
  draw: Draw,
): string | undefined {
  const exact = seconds?.[index];
  if (exact !== undefined)
    return close(exact, draw(neverAsked)) ? undefined : `expected ${exact} s, got ${draw(neverAsked)} s`;
  const expected = bounds?.[index];
  const seen = observed?.[index];
  if (expected === undefined || seen === undefined) return "the case expects nothing";
  const [low, high] = extremes(draw);
  if (!close(low, expected[0]) || !close(high, expected[1]))
    return `expected ${expected.join("..")} s, got ${low}..${high} s`;
  if (!seen.every((value) => within(value, low, high)))
    return `${seen.join("..")} s was observed outside ${low}..${high} s`;
  const random = seededRandom(index);
  const stray = Array.from({ length: samples }, () => draw(random)).find(
    (value) => !within(value, ...expected),
  );
  return stray === undefined ? undefined : `drew ${stray} s outside ${expected.join("..")} s`;
}

/** Returns the shortest and the longest wait of a strategy, found by setting one random number after the other to its extremes. */
function extremes(draw: Draw): Range {
  let count = 0;
  draw(() => {
    count += 1;
    return 0;
  });
  const search = (better: (a: number, b: number) => boolean): number => {
    const draws = Array.from({ length: count }, () => 0);
    for (const index of draws.keys()) {
      const zero = draw(replaying(draws));
      draws[index] = 1;
      if (!better(draw(replaying(draws)), zero)) draws[index] = 0;
    }
    return draw(replaying(draws));
  };
  return [search((a, b) => a < b), search((a, b) => a > b)];
}

function replaying(draws: readonly number[]): Random {
  let next = 0;
  return () => draws[next++] ?? NaN;
}

function neverAsked(): number {
  throw new Error("asked for chance where the reference has none");
}

function attemptOf(number: number, seconds: number | undefined): Attempt {
  const outcome = failed(seconds === undefined ? new Error("any") : new SecondsError(seconds));
  return { number, outcome, startedAt: 0, endedAt: 0, elapsed: 0, waited: 0, idleFor: 0 };
}

/** Reads a Python call such as `wait_fixed(wait=3)`: the class and its arguments by name. */
function parseCall(expression: string): Tree {
  const [, op, list = ""] = /^(\w+)\((.*)\)$/.exec(expression) ?? [];
  if (op === undefined) throw new Error(`not a call: ${expression}`);
  const pairs = [...list.matchAll(/(\w+)=(-?[\d.]+)/g)].map(
    ([, name = "", value]) => [name, Number(value)] as const,
  );
  return { ...(Object.fromEntries(pairs) as Partial<Tree>), op };
}
