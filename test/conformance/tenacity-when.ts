import {
  retryAll,
  retryAlways,
  retryAny,
  retryIfError,
  retryIfErrorCause,
  retryIfErrorMessage,
  retryIfNotError,
  retryIfNotErrorMessage,
  retryIfNotResult,
  retryIfResult,
  retryNever,
  retryUnlessError,
  type When,
} from "@holdfast/policy";
import type { ExceptionClass, Exceptions } from "./tenacity-errors.ts";
import { known, operandsOf } from "./tenacity-tree.ts";

/** A retry condition as the vectors write it. */
export interface WhenTree {
  readonly op: string;
  readonly types?: readonly string[];
  readonly pred?: keyof typeof predicates;
  readonly value?: unknown;
  readonly message?: string;
  readonly match?: string;
  readonly of?: readonly WhenTree[];
  readonly left?: WhenTree;
  readonly right?: WhenTree;
}

const whens: Readonly<Record<string, (tree: WhenTree, exceptions: Exceptions) => When>> = {
  retry_if_exception_type: (tree, exceptions) => retryIfError(...typesOf(tree, exceptions)),
  retry_if_not_exception_type: (tree, exceptions) => retryIfNotError(...typesOf(tree, exceptions)),
  retry_unless_exception_type: (tree, exceptions) => retryUnlessError(...typesOf(tree, exceptions)),
  retry_if_exception_cause_type: (tree, exceptions) => retryIfErrorCause(...typesOf(tree, exceptions)),
  retry_if_result: (tree) => retryIfResult(predicateOf(tree)),
  retry_if_not_result: (tree) => retryIfNotResult(predicateOf(tree)),
  retry_if_exception_message: (tree) => retryIfErrorMessage(messageOf(tree)),
  retry_if_not_exception_message: (tree) => retryIfNotErrorMessage(messageOf(tree)),
  retry_never: () => retryNever,
  retry_always: () => retryAlways,
  retry_any: (tree, exceptions) => retryAny(...partsOf(tree, exceptions)),
  retry_all: (tree, exceptions) => retryAll(...partsOf(tree, exceptions)),
  or: (tree, exceptions) => retryAny(...partsOf(tree, exceptions)),
  and: (tree, exceptions) => retryAll(...partsOf(tree, exceptions)),
};

/** Builds the condition of a tree. */
export function whenOf(tree: WhenTree, exceptions: Exceptions): When {
  return known(whens, tree)(tree, exceptions);
}

function partsOf(tree: WhenTree, exceptions: Exceptions): readonly When[] {
  return operandsOf(tree).map((operand) => whenOf(operand, exceptions));
}

function typesOf({ types = ["Exception"] }: WhenTree, exceptions: Exceptions): readonly ExceptionClass[] {
  return types.map((type) => {
    const Exception = exceptions.get(type);
    if (Exception === undefined) throw new Error(`no exception class ${type}`);
    return Exception;
  });
}

type Predicate = (expected: unknown) => (value: unknown) => boolean;

const predicates = {
  is_null: () => (value) => value === null,
  eq: (expected) => (value) => value === expected,
  falsy: () => (value) => value === null || value === false || value === 0 || value === "",
  lt: (expected) => (value) => typeof value === "number" && value < Number(expected),
  always: () => () => true,
  never: () => () => false,
} satisfies Readonly<Record<string, Predicate>>;

function predicateOf({ pred, value }: WhenTree): (value: unknown) => boolean {
  if (pred === undefined) throw new Error("a result condition without a predicate");
  return predicates[pred](value);
}

/** Python's `re.match` anchors the pattern at the start of the string only. */
function messageOf({ message, match }: WhenTree): string | RegExp {
  return match === undefined ? (message ?? "") : new RegExp(`^(?:${match})`);
}
