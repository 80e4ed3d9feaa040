import { HoldfastError, TimeoutError } from "@holdfast/policy";
import { TransportError } from "../errors/transport-errors.ts";
import type { RequestSummary } from "../model/request-summary.ts";
import type { AttemptRecord } from "../model/attempt-record.ts";
import type { HttpResponse } from "../model/response.ts";
import type { Verdict } from "../model/verdict.ts";

/** The properties that a session adds to every error that ends a call. */
export interface Failure {
  /** The last request, after redirects. The URL has no credentials. */
  readonly request: RequestSummary;
  /** Every attempt of the call, in order. */
  readonly attempts: readonly AttemptRecord[];
  /** The meaning of the failure, with advice for a person. */
  readonly verdict: Verdict;
  /** Duration of the call, waits included, in milliseconds. */
  readonly elapsed: number;
  /** When the server allows the next request, in milliseconds since 1970, if it says so. */
  readonly retryAt?: number | undefined;
  /** The last response, if there was one. */
  readonly response?: HttpResponse;
  /** The redirects before the request that failed, oldest first, each with its attempts. */
  readonly history?: readonly HttpResponse[];
  /** False if the server certainly did not receive the request. */
  readonly mayHaveArrived?: boolean;
}

/** Adds the properties of the call to the error that ended it. The error keeps its class. */
export function attachCallInfo(error: unknown, failure: Failure): unknown {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return error;
  // Defined, not assigned: an error may have getters of these names.
  for (const [name, value] of Object.entries(failure)) {
    if (value !== undefined)
      Object.defineProperty(error, name, {
        value,
        // An uncaught error prints few lines: the message names request and attempts.
        enumerable: !Array.isArray(value),
        configurable: true,
        writable: true,
      });
  }
  return error;
}

/**
 * Adds method, URL and the number of attempts to the message of a transport error, and the frames of the caller to its stack.
 * Call it in a reaction of the promise that the caller awaits: V8 finds the caller by the chain of promises.
 */
export function describeCall(
  error: unknown,
  { request, attempts }: Pick<Failure, "request" | "attempts">,
): void {
  if (error instanceof Error) shortenStacks(error.cause);
  if (!(error instanceof TransportError || error instanceof TimeoutError) || !Object.isExtensible(error))
    return;
  const { method, url } = request;
  const { message } = error;
  // A call inside of this call, such as one for a token, has described its error already.
  if (described.has(error)) return;
  described.add(error);
  const made = attempts.length === 1 ? "1 attempt" : `${attempts.length} attempts`;
  const value = `${method} ${url}: ${message} (${made})`;
  Object.defineProperty(error, "message", { value, configurable: true, writable: true });
  const stack = `${error.name}: ${value}\n${callerFrames() || framesOf(error)}`;
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
}

/** Gives an error with a response the frames of the caller in place of those of this package. Call it where `describeCall` may be called. */
export function showCaller(error: unknown): void {
  shortenStacks(error);
  if (!(error instanceof HoldfastError) || !Object.isExtensible(error) || framesOf(error) !== "") return;
  const value = [error.stack, callerFrames()].join("\n").trimEnd();
  Object.defineProperty(error, "stack", { value, configurable: true, writable: true });
}

/** Leaves out the frames of this package from the stacks of an error and its causes, which would fill the screen. */
function shortenStacks(error: unknown): void {
  // A ResponseError is below a RetryError, and of a layer above.
  if (!(error instanceof HoldfastError || (error instanceof Error && error.name === "ResponseError"))) return;
  if (!Object.isExtensible(error)) return;
  const lines = (error.stack ?? "").split("\n");
  const value = lines.filter((line) => !line.startsWith("    at ") || isOfCaller(line)).join("\n");
  Object.defineProperty(error, "stack", { value, configurable: true, writable: true });
  shortenStacks(error.cause);
}

const described = new WeakSet<object>();
// A bundle as CommonJS has no `import.meta.url`.
const { url: ownUrl }: { readonly url?: string } = import.meta;
const ownFolder = ownUrl === undefined ? undefined : new URL("../", ownUrl).href;

/** Returns the frames of the stack outside of this package and of Node. */
function callerFrames(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 50;
  const { stack = "" } = new Error("?");
  Error.stackTraceLimit = limit;
  return stack.split("\n").slice(1).filter(isOfCaller).slice(0, 10).join("\n");
}

function isOfCaller(frame: string): boolean {
  if (ownFolder !== undefined && frame.includes(ownFolder)) return false;
  return !/\(?(?:node:|native)/.test(frame) && !policyFolder.test(frame);
}

const policyFolder = /(?:@holdfast|packages)\/policy\/(?:dist|src)\//;

function framesOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => line.startsWith("    at "))
    .join("\n");
}

/** Returns whether an error ended a call of a session and has the properties of `Failure`. */
export function isFailure(error: unknown): error is Error & Failure {
  return error instanceof Error && "attempts" in error && "verdict" in error;
}
