import {
  stopAfterAttempt,
  stopAfterDelay,
  stopAll,
  stopAny,
  stopBeforeDelay,
  stopNever,
  stopWhenAborted,
  waitChain,
  waitCombine,
  waitExponential,
  waitExponentialJitter,
  waitFixed,
  waitFromError,
  waitIncrementing,
  waitNone,
  waitRandom,
  waitRandomExponential,
  type Stop,
  type Wait,
} from "@holdfast/policy";

/** A strategy as the vectors write it: the tenacity class and its arguments, in seconds. */
export interface Tree {
  readonly op: string;
  readonly wait?: number;
  readonly start?: number;
  readonly increment?: number;
  readonly multiplier?: number;
  readonly initial?: number;
  readonly exp_base?: number;
  readonly jitter?: number;
  readonly min?: number;
  readonly max?: number;
  readonly n?: number;
  readonly seconds?: number;
  readonly set_at_call?: number;
  readonly strategies?: readonly Tree[];
  readonly of?: readonly Tree[];
  readonly left?: Tree;
  readonly right?: Tree;
}

/** tenacity's `MAX_WAIT`, which stands for "no maximum": `sys.maxsize / 2` seconds. */
const maxWait = 2 ** 62;

/** The error of the vectors that contains its own wait. */
export class SecondsError extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super(`wait ${seconds} s`);
    this.seconds = seconds;
  }
}

const waits: Readonly<Record<string, (tree: Tree) => Wait>> = {
  wait_none: () => waitNone,
  wait_fixed: ({ wait = 0 }) => waitFixed(ms(wait)),
  wait_incrementing: ({ start = 0, increment = 100, max = maxWait }) =>
    waitIncrementing({ start: ms(start), increment: ms(increment), max: ms(max) }),
  wait_exponential: (tree) => waitExponential(exponential(tree)),
  wait_random: ({ min = 0, max = 1 }) => waitRandom({ min: ms(min), max: ms(max) }),
  wait_random_exponential: (tree) => waitRandomExponential(exponential(tree)),
  wait_exponential_jitter: (tree) =>
    waitExponentialJitter({ ...exponential(tree), jitter: ms(tree.jitter ?? 1) }),
  wait_chain: ({ strategies = [] }) => waitChain(...strategies.map(waitOf)),
  wait_combine: (tree) => waitCombine(...operandsOf(tree).map(waitOf)),
  add: (tree) => waitCombine(...operandsOf(tree).map(waitOf)),
  sum: (tree) => waitCombine(...operandsOf(tree).map(waitOf)),
  wait_exception: () => waitFromError((error) => (error instanceof SecondsError ? ms(error.seconds) : 0)),
};

/** Builds the wait strategy of a tree, with tenacity's defaults written out. */
export function waitOf(tree: Tree): Wait {
  return known(waits, tree)(tree);
}

/** Returns a signal that aborts during the given call, as the events of the vectors do. */
export type SignalAt = (call: number) => AbortSignal;

const stops: Readonly<Record<string, (tree: Tree, signalAt: SignalAt) => Stop>> = {
  stop_after_attempt: ({ n = NaN }) => stopAfterAttempt(n),
  stop_after_delay: ({ seconds = NaN }) => stopAfterDelay(ms(seconds)),
  stop_before_delay: ({ seconds = NaN }) => stopBeforeDelay(ms(seconds)),
  stop_never: () => stopNever,
  stop_when_event_set: ({ set_at_call: call = NaN }, signalAt) => stopWhenAborted(signalAt(call)),
  stop_any: (tree, signalAt) => stopAny(...operandsOf(tree).map((operand) => stopOf(operand, signalAt))),
  stop_all: (tree, signalAt) => stopAll(...operandsOf(tree).map((operand) => stopOf(operand, signalAt))),
  or: (tree, signalAt) => stopAny(...operandsOf(tree).map((operand) => stopOf(operand, signalAt))),
  and: (tree, signalAt) => stopAll(...operandsOf(tree).map((operand) => stopOf(operand, signalAt))),
};

/** Builds the stop strategy of a tree. */
export function stopOf(tree: Tree, signalAt: SignalAt): Stop {
  return known(stops, tree)(tree, signalAt);
}

/** Returns the builder of a tree's strategy. A vector with an unknown class must fail, not pass. */
export function known<B>(builders: Readonly<Record<string, B>>, { op }: { readonly op: string }): B {
  const builder = builders[op];
  if (builder === undefined) throw new Error(`no strategy for ${op}`);
  return builder;
}

/** Returns the parts of a combination, in any of the three forms of the vectors. */
export function operandsOf<T>(tree: {
  readonly of?: readonly T[];
  readonly strategies?: readonly T[];
  readonly left?: T;
  readonly right?: T;
}): readonly T[] {
  return tree.of ?? tree.strategies ?? [tree.left, tree.right].filter((operand) => operand !== undefined);
}

function exponential({ multiplier, initial, exp_base: base = 2, min = 0, max = maxWait }: Tree): {
  multiplier: number;
  base: number;
  min: number;
  max: number;
} {
  return { multiplier: ms(multiplier ?? initial ?? 1), base, min: ms(min), max: ms(max) };
}

function ms(seconds: number): number {
  return seconds * 1_000;
}
