/** Gives the name that somebody most likely meant by `word`; undefined when none is like it. Case, `_` and `-` play no part. */
export function suggest(word: string, names: readonly string[]): string | undefined {
  const pairs = pairsIn(word);
  const ranked = names.map((name) => ({ name, likeness: likeness(pairs, pairsIn(name)) }));
  const [best] = ranked.toSorted((a, b) => b.likeness - a.likeness);
  return best !== undefined && best.likeness >= 0.5 ? best.name : undefined;
}

/** How much two words have in common, from 0 to 1: twice the pairs of neighbouring letters in both, of those in either (Dice). */
function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((pair) => b.has(pair)).length;
  return (2 * shared) / Math.max(1, a.size + b.size);
}

function pairsIn(word: string): ReadonlySet<string> {
  const letters = word.toLowerCase().replaceAll(/[_-]/g, "");
  return new Set(
    Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2)),
  );
}
