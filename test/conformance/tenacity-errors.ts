import { TryAgain } from "@holdfast/policy";
import type { Meta } from "./adapter.ts";

/** An exception in the vectors: its class, message and causes. */
export interface Thrown {
  readonly type: string;
  readonly message?: string;
  readonly cause?: Thrown;
}

/** An error class of the vectors: Python's `BaseException` is our `Error`. */
export type ExceptionClass = new (message: string, options?: ErrorOptions) => Error;

/** The error classes by their Python names. */
export type Exceptions = ReadonlyMap<string, ExceptionClass>;

/** Creates the tree of classes in `meta.exception_ancestors`. */
export function exceptionClasses(meta: Meta): Exceptions {
  const ancestors = meta["exception_ancestors"] as Readonly<Record<string, readonly string[]>>;
  const classes = new Map<string, ExceptionClass>();
  const classOf = (name: string): ExceptionClass => {
    const made = classes.get(name);
    if (made !== undefined) return made;
    const parent = ancestors[name]?.[0];
    const created = class extends (parent === undefined ? Error : classOf(parent)) {
      override readonly name = name;
    };
    classes.set(name, created);
    return created;
  };
  for (const name of Object.keys(ancestors)) classOf(name);
  return classes;
}

/** Creates the error that a scripted call throws, with its causes. */
export function errorOf({ type, message = "", cause }: Thrown, classes: Exceptions): Error {
  const options = cause === undefined ? undefined : { cause: errorOf(cause, classes) };
  if (type === "TryAgain") return new TryAgain(message, options);
  const Exception = classes.get(type);
  if (Exception === undefined) throw new Error(`no exception class ${type}`);
  return new Exception(message, options);
}

/** An error as the vectors write it: class and message. */
export function describeError(error: unknown): Thrown {
  return error instanceof Error
    ? { type: error.name, message: error.message }
    : { type: typeof error, message: String(error) };
}
