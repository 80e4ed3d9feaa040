import type { Check, Vector } from "./adapter.ts";
import { difference } from "./compare.ts";
import { httpDeviations } from "./http-deviations.ts";
import { observe, type RunVector } from "./tenacity-run.ts";
import { waitOf, type Tree } from "./tenacity-tree.ts";
import { urlopenDeviations } from "./urlopen-deviations.ts";

/** One case with its file and section. */
export interface Place {
  readonly file: string;
  readonly section: string;
  readonly vector: Vector;
}

/** A deliberate deviation from a reference: its cases, its reason, and the behaviour that must hold instead. */
export interface Deviation {
  readonly name: string;
  readonly reason: string;
  readonly applies: (place: Place) => boolean;
  readonly instead: Check;
}

/** Every deliberate difference; docs/internals/conformance.md has the same rows. */
export const deviations: readonly Deviation[] = [
  {
    name: "rejects a negative multiplier",
    reason:
      "tenacity waits 0 for ever; a back-off that never waits is a mistake, and an early error shows it",
    applies: ({ file, section, vector }) =>
      file === "tenacity-wait.json" &&
      section === "cases" &&
      some(treeOf(vector), ({ multiplier, initial }) => (multiplier ?? initial ?? 0) < 0),
    instead: (vector) => {
      try {
        waitOf(treeOf(vector));
      } catch (error) {
        return error instanceof RangeError ? undefined : `threw ${String(error)}`;
      }
      return "expected a RangeError";
    },
  },
  {
    name: "has no `initial`",
    reason: "it is tenacity's deprecated second name for `multiplier`; two names could contradict each other",
    applies: ({ section, vector }) =>
      section === "constructor_errors" && /\binitial=/.test(String(vector["expression"])),
    instead: () => undefined,
  },
  {
    name: "applies `enabled: false` to a direct call",
    reason:
      "tenacity checks it only in decorators and iteration, and still retries a call of `Retrying(enabled=False)`",
    applies: ({ file, vector }) => {
      const { mode, policy } = vector as unknown as RunVector;
      return (
        file === "tenacity-run.json" && (mode === "call" || mode === "async") && policy.enabled === false
      );
    },
    instead: async (vector, meta) => {
      const { calls, trace } = await observe(vector as unknown as RunVector, meta);
      return difference({ calls: 1, trace: [["call", 1]] }, { calls, trace });
    },
  },
  ...httpDeviations,
  ...urlopenDeviations,
];

/** Returns the first rule that applies to a case. */
export function deviationOf(place: Place): Deviation | undefined {
  return deviations.find(({ applies }) => applies(place));
}

function treeOf(vector: Vector): Tree {
  return vector["strategy"] as Tree;
}

function some(tree: Tree, picks: (tree: Tree) => boolean): boolean {
  return picks(tree) || (tree.strategies ?? []).some((part) => some(part, picks));
}
