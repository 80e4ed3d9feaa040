import fc from "fast-check";

/** A parser under test, with inputs that it accepts or just rejects. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs to begin with, each byte as one character. */
  readonly seeds: readonly string[];
  /** Fragments to insert, besides random bytes. */
  readonly tokens: readonly string[];
  /** Parses the input, and throws if an error or a result is one that callers do not expect. */
  readonly check: (input: Buffer) => void | Promise<void>;
}

/** How long to run a target. */
export interface FuzzRun {
  readonly milliseconds: number;
  /** The same seed gives the same inputs. @default random */
  readonly seed?: number;
}

// Few enough that the time is kept, and many enough that inputs grow within a batch.
const batchSize = 200;

/** Checks mutated seeds for some time. Returns the number of inputs. @throws the first failure, with its smallest input. */
export async function fuzz(
  target: FuzzTarget,
  { milliseconds, seed = Math.trunc(Math.random() * 2 ** 31) }: FuzzRun,
): Promise<number> {
  const property = fc.asyncProperty(inputsOf(target), (input) => Promise.resolve(target.check(input)));
  const end = performance.now() + milliseconds;
  let batches = 0;
  while (performance.now() < end) {
    const details = await fc.check(property, { numRuns: batchSize, seed: seed + batches });
    batches += 1;
    if (details.counterexample !== null) {
      const [input] = details.counterexample;
      throw new Error(
        `${target.name} (seed ${details.seed}) fails for ${JSON.stringify(input.toString("latin1"))}`,
        { cause: details.errorInstance },
      );
    }
    // The timers of a test run must not wait for the end.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return batches * batchSize;
}

type Mutation = (input: Buffer) => Buffer;

function inputsOf({ seeds, tokens }: FuzzTarget): fc.Arbitrary<Buffer> {
  const random = fc.uint8Array({ maxLength: 400 }).map((bytes): Buffer => Buffer.from(bytes));
  const made = fc
    .array(fc.oneof(fc.constantFrom(...tokens), fc.string({ maxLength: 3 })), { maxLength: 40 })
    .map((words): Buffer => Buffer.from(words.join(""), "latin1"));
  const mutated = fc
    .tuple(fc.constantFrom(...seeds), fc.array(mutations(seeds, tokens), { maxLength: 6 }))
    .map(([seed, changes]) =>
      changes.reduce<Buffer>((input, change) => change(input), Buffer.from(seed, "latin1")),
    );
  return fc.oneof(
    { weight: 6, arbitrary: mutated },
    { weight: 2, arbitrary: made },
    { weight: 1, arbitrary: random },
  );
}

function mutations(seeds: readonly string[], tokens: readonly string[]): fc.Arbitrary<Mutation> {
  const place = fc.nat(2_000);
  const piece = fc.oneof(
    fc.constantFrom(...tokens).map((token) => Buffer.from(token, "latin1")),
    fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  );
  const at = (input: Buffer, where: number): number => where % (input.length + 1);
  const cut = (input: Buffer, where: number, [length, middle]: readonly [number, Buffer]): Buffer => {
    const start = at(input, where);
    return Buffer.concat([input.subarray(0, start), middle, input.subarray(start + length)]);
  };
  return fc.oneof(
    fc.tuple(place, piece).map(
      ([where, inserted]): Mutation =>
        (input) =>
          cut(input, where, [0, inserted]),
    ),
    fc.tuple(place, piece).map(
      ([where, other]): Mutation =>
        (input) =>
          cut(input, where, [other.length, other]),
    ),
    fc.tuple(place, fc.nat(20)).map(
      ([where, length]): Mutation =>
        (input) =>
          cut(input, where, [length, Buffer.alloc(0)]),
    ),
    fc
      .tuple(place, fc.nat(40), fc.integer({ min: 2, max: 200 }))
      .map(([where, length, times]): Mutation => (input) => {
        const start = at(input, where);
        const part = input.subarray(start, start + length);
        return cut(input, where, [0, Buffer.concat(Array<Buffer>(times).fill(part))]);
      }),
    fc.tuple(place, fc.constantFrom(...seeds)).map(
      ([where, other]): Mutation =>
        (input) =>
          Buffer.concat([
            input.subarray(0, at(input, where)),
            Buffer.from(other, "latin1").subarray(where % 100),
          ]),
    ),
  );
}
