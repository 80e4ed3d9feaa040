import { EventEmitter } from "node:events";
import { Readable } from "node:stream";

/** A stream of bytes. */
export type ByteStream = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | Readable;

/** Returns whether a value can be iterated asynchronously, as every supported stream can. */
export function isAsyncIterable(value: unknown): value is ByteStream {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Returns why a stream cannot give its whole content any more; undefined if it can. */
export function findStreamProblem(stream: ByteStream): string | undefined {
  // Streams of other packages have these properties too.
  const names = ["errored", "readableDidRead", "destroyed", "locked"];
  const [errored, didRead, destroyed, locked] = names.map((name): unknown => Reflect.get(stream, name));
  if (errored !== undefined && errored !== null) return "failed before it was read";
  if (didRead !== true && destroyed === true) return "was destroyed";
  if (isDisturbed(stream)) return "was already read";
  return locked === true ? "is locked by another reader" : undefined;
}

/** Returns whether a Node stream or a web stream was read or cancelled. */
function isDisturbed(stream: unknown): boolean {
  return Reflect.apply(Readable.isDisturbed.bind(Readable), undefined, [stream]) === true;
}

/** The owner of each stream and iterator that is being sent, or was. */
const owners = new WeakMap<object, object>();
/** The iterator that a stream of ours reads. */
const iterators = new WeakMap<Readable, object>();

/** Marks a stream as sent by its owner. Returns why it must not be sent, if another owner has sent it. */
export function claimStream(stream: ByteStream, owner: object): string | undefined {
  const key = (stream instanceof Readable ? iterators.get(stream) : undefined) ?? stream;
  const current = owners.get(key);
  if (current !== undefined && current !== owner) return "was already used for another request or attempt";
  owners.set(key, owner);
  return undefined;
}

const listenedTo = new WeakSet<object>();

/**
 * Listens to everything in a body that can fail by itself, for as long as it lives: a failure without a listener ends the
 * process.
 */
export function ignoreFailures(body: unknown): void {
  if (typeof body !== "object" || body === null || listenedTo.has(body)) return;
  listenedTo.add(body);
  if (body instanceof Promise) body.catch(() => undefined);
  else onStreamFailure(body, () => undefined);
}

/** Calls a function with the error of a stream that emits one. */
export function onStreamFailure(stream: object, failed: (error: unknown) => void): void {
  if (stream instanceof EventEmitter) stream.on("error", failed);
}

/**
 * Returns a stream as a Node stream that never emits an unhandled error.
 *
 * `emptyError` returns the error for an iterator without any values, because an iterator that has run looks like an empty
 * one. It is not called for objects that create a new iterator each time.
 */
export function toReadable(source: ByteStream, emptyError?: () => Error | undefined): Readable {
  if (source instanceof Readable) {
    ignoreFailures(source);
    return source;
  }
  const iterator = source[Symbol.asyncIterator]();
  const isOwnIterator = (iterator as object) === source;
  const checked = isOwnIterator && emptyError !== undefined ? refuseEmpty(iterator, emptyError) : iterator;
  const readable = Readable.from({ [Symbol.asyncIterator]: () => checked }, { objectMode: false });
  ignoreFailures(readable);
  iterators.set(readable, source);
  return readable;
}

function refuseEmpty(
  iterator: AsyncIterator<Uint8Array>,
  emptyError: () => Error | undefined,
): AsyncIterator<Uint8Array> {
  let isEmpty = true;
  return {
    next: async () => {
      const result = await iterator.next();
      const error = isEmpty && result.done === true ? emptyError() : undefined;
      if (error !== undefined) throw error;
      isEmpty = false;
      return result;
    },
    return: async (value) => (await iterator.return?.(value)) ?? { done: true, value: undefined },
  };
}
