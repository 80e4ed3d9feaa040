import type { HttpResponse } from "../model/response.ts";
import type { Saved, SaveOptions } from "../download/download.ts";
import type { StandardSchema } from "../model/schema.ts";
import type { Trip } from "../call/lazy-call.ts";

/** A response to come, with what is most asked of it at hand: `await session.get(url).json(User)`. */
export interface ResponsePromise extends Promise<HttpResponse> {
  /**
   * The body as JSON, checked against a schema where one is given; whatever the status.
   *
   * @throws SyntaxError when it is not JSON, with `response`; SchemaError when it is not what the schema asks for.
   */
  json<T = unknown>(schema?: StandardSchema<T>): Promise<T>;
  /** The body as text. */
  text(): Promise<string>;
  /** The body as bytes. */
  bytes(): Promise<Uint8Array>;
  /**
   * The same response when its verdict is success.
   *
   * @throws StatusError otherwise, with the response.
   */
  raiseForStatus(): ResponsePromise;
  /**
   * Saves the body to a file, in place of giving it: to `file.part` first, which an earlier run may have begun, and which
   * gets its name when it is whole. To be called at once, before anything is awaited.
   *
   * @throws StatusError for an answer that is no success; FileBusyError, DiskFullError, DigestError; what the call throws.
   */
  saveTo(file: string, options?: SaveOptions): Promise<Saved>;
}

interface OnTrip extends ResponsePromise {
  trip: Trip | undefined;
}

/**
 * Gives a promise the methods of the response that it is for.
 *
 * It stays the promise that it was: a subclass of Promise would cost 300 ns and two turns at every `await`, another
 * prototype 70 ns; four properties cost about 20 ns and no turn.
 */
export function responsePromise(promise: Promise<HttpResponse>, trip?: Trip): ResponsePromise {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the next lines make it one
  const made = promise as OnTrip;
  made.json = json;
  made.text = text;
  made.bytes = bytes;
  made.raiseForStatus = raiseForStatus;
  made.saveTo = saveTo;
  made.trip = trip;
  return made;
}

function json<T>(this: Promise<HttpResponse>, schema?: StandardSchema<T>): Promise<T> {
  return this.then((response) => response.json(schema));
}

function text(this: Promise<HttpResponse>): Promise<string> {
  return this.then((response) => response.text());
}

function bytes(this: Promise<HttpResponse>): Promise<Uint8Array> {
  return this.then((response) => response.bytes());
}

function raiseForStatus(this: OnTrip): ResponsePromise {
  return responsePromise(
    this.then((response) => response.raiseForStatus()),
    this.trip,
  );
}

async function saveTo(this: OnTrip, file: string, options: SaveOptions = {}): Promise<Saved> {
  // Whoever saves waits for the file alone: the promise of the answer may fail unheard.
  this.catch(() => undefined);
  if (this.trip !== undefined) return this.trip.save({ ...options, file });
  await this;
  throw new TypeError("Only what a session was just asked for can be saved");
}
