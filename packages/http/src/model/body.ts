import { AsyncLocalStorage } from "node:async_hooks";
import { Readable } from "node:stream";
import { isGeneratorFunction } from "node:util/types";
import { BodyNotReplayableError } from "../errors/transport-errors.ts";
import { blobPieces } from "./blob-pieces.ts";
import { formBody } from "./form-body.ts";
import {
  type ByteStream,
  claimStream,
  findStreamProblem,
  ignoreFailures,
  isAsyncIterable,
  onStreamFailure,
  toReadable,
} from "./stream-body.ts";

/**
 * A request body. A stream can be sent only once, so that the request cannot be retried. Pass a function that creates the
 * stream to allow retries.
 */
export type BodyInit =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | FormData
  | Blob
  | ByteStream
  | (() => ByteStream);

/** Calls a function in the asynchronous context of the call that the body belongs to. */
export type RunInContext = <T>(run: () => T) => T;

/** A normalised body. Its kind says whether it can be sent again: all but `one-shot` can. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: string | Uint8Array; readonly contentType?: string }
  | {
      readonly kind: "factory";
      /** @throws TypeError for a used stream; BodyNotReplayableError for one that an earlier attempt may have used. */
      readonly make: () => Readable;
      readonly contentType?: string;
      readonly length?: number;
      /** Absent for a body without functions of the caller. */
      readonly run?: RunInContext;
    }
  | {
      readonly kind: "one-shot";
      readonly stream: Readable;
      readonly run?: RunInContext;
      /** Aborted with the error of a stream that fails by itself, whether it is being read or not. */
      readonly failure?: AbortSignal;
    };

export const noBody: Body = { kind: "none" };

/**
 * Normalises a body, such as a `BodyInit`.
 *
 * @throws TypeError for any other type than those of `BodyInit`, and for a stream that was already used.
 */
export function toBody(init: unknown): Body {
  if (init === undefined) return noBody;
  const body = toBytesBody(init) ?? toStreamBody(init);
  if (body !== undefined) return body;
  throw new TypeError(
    `body must be a string, bytes, a form, a blob, a stream or a function that creates a stream, got ${describeWrongBody(init)}`,
  );
}

function describeWrongBody(init: unknown): string {
  if (init instanceof Promise) return "a promise: await it first";
  if (typeof init !== "object" || init === null) return init === null ? "null" : typeof init;
  return "object: did you mean json or form?";
}

function toBytesBody(init: unknown): Body | undefined {
  if (typeof init === "string") return { kind: "bytes", bytes: init };
  if (ArrayBuffer.isView(init)) {
    return { kind: "bytes", bytes: new Uint8Array(init.buffer, init.byteOffset, init.byteLength) };
  }
  if (init instanceof ArrayBuffer) return { kind: "bytes", bytes: new Uint8Array(init) };
  if (!(init instanceof URLSearchParams)) return undefined;
  return {
    kind: "bytes",
    bytes: init.toString(),
    contentType: "application/x-www-form-urlencoded;charset=UTF-8",
  };
}

function toStreamBody(init: unknown): Body | undefined {
  if (isStreamFunction(init)) return factoryBody(init);
  if (init instanceof FormData) return formBody(init);
  if (init instanceof Blob) return blobBody(init);
  return typeof init === "object" && isAsyncIterable(init) ? oneShotBody(init) : undefined;
}

/** Whether a value is a function. What it returns is checked when it is called. */
function isStreamFunction(value: unknown): value is () => ByteStream {
  return typeof value === "function";
}

/** Returns a value as a JSON body. */
export function jsonBody(value: unknown): Body {
  const bytes = JSON.stringify(value) as string | undefined;
  if (bytes === undefined)
    throw new TypeError(`json must be a value that JSON can represent, got ${typeof value}`);
  return { kind: "bytes", bytes, contentType: "application/json" };
}

/**
 * Opens a body for one attempt. A one-shot stream can be opened until some of it was read.
 *
 * @throws TypeError for a stream that was used before the first attempt; BodyNotReplayableError on a later attempt.
 */
export function openBody(body: Body): string | Uint8Array | Readable | null {
  switch (body.kind) {
    case "none":
      return null;
    case "bytes":
      return body.bytes;
    case "factory":
      return body.make();
    case "one-shot":
      return openOnce(body);
  }
}

function blobBody(blob: Blob): Body {
  const make = (): Readable => toReadable(blobPieces(blob));
  return { kind: "factory", make, length: blob.size, ...(blob.type !== "" && { contentType: blob.type }) };
}

function oneShotBody(source: ByteStream): Body {
  const problem = findStreamProblem(source);
  if (problem !== undefined) throw usedBeforeError(`it ${problem}`, source);
  const failing = new AbortController();
  onStreamFailure(source, (error) => failing.abort(error));
  const emptyError = (): Error => usedBeforeError("it is an iterator that has already run");
  const stream = toReadable(source, emptyError);
  return { kind: "one-shot", stream, run: AsyncLocalStorage.snapshot(), failure: failing.signal };
}

const openedOnce = new WeakSet<Body>();

function openOnce(body: Extract<Body, { kind: "one-shot" }>): Readable {
  const { stream, failure } = body;
  const isFirst = !openedOnce.has(body);
  openedOnce.add(body);
  failure?.throwIfAborted();
  const problem = findStreamProblem(stream) ?? claimStream(stream, body);
  if (problem === undefined) return stream;
  const reason = `it ${problem}`;
  throw isFirst ? usedBeforeError(reason, stream) : new BodyNotReplayableError({ reason });
}

function factoryBody(init: () => ByteStream): Body {
  const run: RunInContext = AsyncLocalStorage.snapshot();
  let calls = 0;
  const usedError = (problem: string, stream?: ByteStream): Error => {
    const reason = `its function returned a stream that ${problem}`;
    return calls > 1 ? new BodyNotReplayableError({ reason }) : usedBeforeError(reason, stream);
  };
  const make = (): Readable => {
    calls += 1;
    const stream = run(init);
    ignoreFailures(stream);
    if (!isAsyncIterable(stream))
      throw new TypeError(`The function of a body must return a stream, got ${describeWrongBody(stream)}`);
    const problem = findStreamProblem(stream) ?? claimStream(stream, {});
    if (problem !== undefined) throw usedError(problem, stream);
    if (isGeneratorFunction(init)) return toReadable(stream);
    return toReadable(stream, () =>
      // Only a function that creates its iterators returns a different one, and then the body is empty indeed.
      isSameAgain(stream, run(init)) ? usedError("has already run") : undefined,
    );
  };
  return { kind: "factory", make, run };
}

function isSameAgain(stream: ByteStream, again: ByteStream): boolean {
  if (again === stream) return true;
  onStreamFailure(again, () => undefined);
  if (again instanceof Readable) again.destroy();
  return false;
}

function usedBeforeError(reason: string, stream?: ByteStream): TypeError {
  const cause: unknown = stream instanceof Readable ? stream.errored : undefined;
  return new TypeError(
    `The body cannot be sent: ${reason}. Pass a stream that was not used yet, bytes, or a function that creates the stream`,
    cause === null || cause === undefined ? undefined : { cause },
  );
}
