import type { InspectOptions } from "node:util";
import { HoldfastError, redact } from "@holdfast/policy";
import { brandClass } from "@holdfast/policy/internal";
import type { AttemptRecord } from "./attempt-record.ts";
import type { UnreadBody } from "./body-source.ts";
import type { BodyContinuation, InterruptedBody } from "./body-reader.ts";
import { decodeText, ResponseHeaders } from "./headers.ts";
import { readJsonLines, readLines, type LineOptions, type Validator } from "./lines.ts";
import { parseLinks, type Links } from "./links.ts";
import { loadUtil } from "../support/builtins.ts";
import { describeIssues, type SchemaIssue, type StandardSchema } from "./schema.ts";
import { describeInvalidJson } from "./invalid-json.ts";
import { readServerMessage } from "./server-message.ts";
import { isObject } from "../support/validate.ts";
import { statusVerdict, type Verdict } from "./verdict.ts";

/** The fields from which a response is built. */
export interface HttpResponseInit {
  /** Status of the response. */
  readonly status: number;
  /** Reason phrase. */
  readonly statusText: string;
  /** URL of the response, after redirects. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** The complete body, decoded from its Content-Encoding. */
  readonly content: Uint8Array;
}

/** The call that returned a response. */
export interface CallInfo {
  readonly attempts: readonly AttemptRecord[];
  readonly elapsed: number;
  readonly retryAt: number | undefined;
  /** Called when the body of a streamed response breaks off. Returns a source that continues it, or the error to throw. */
  continueBody?(response: HttpResponse, interrupted: InterruptedBody): Promise<BodyContinuation>;
}

const noCall: CallInfo = { attempts: [], elapsed: 0, retryAt: undefined };
const noRedirects: readonly HttpResponse[] = [];
const noBytes = new Uint8Array(0);

// The class assigns these functions, since only code inside it reaches private fields. They are not members, so that the
// public type shows only what users need; they cost no allocation.

/** Sets a verdict that differs from the one that the status implies. */
export let setVerdict: (response: HttpResponse, verdict: Verdict) => void;

/** Records that the request carried an idempotency key. */
export let markRequestKeyed: (response: HttpResponse) => void;

/** Sets the call that returned the response. */
export let attachCall: (response: HttpResponse, call: CallInfo) => void;

/** Returns the call that returned the response. */
export let callOf: (response: HttpResponse) => CallInfo;

/** Sets the redirects that led to the response, oldest first. */
export let setHistory: (response: HttpResponse, history: readonly HttpResponse[]) => void;

/** Returns whether the response has a header. `name` is in lower case. Cheaper than `headers`, which is built when read. */
export let hasHeader: (response: HttpResponse, name: string) => boolean;

/** Returns the names of the headers, in lower case. Cheaper than `headers`, which is built when read. */
export let headerNames: (response: HttpResponse) => readonly string[];

/** Returns the body if it is in memory, otherwise undefined. Does not read it. */
export let contentInMemory: (response: HttpResponse) => Uint8Array | undefined;

/** Returns the body that the call has not read yet, if there is one. */
export let unreadBodyOf: (response: HttpResponse) => UnreadBody | undefined;

/**
 * Reads the body that the call has not read yet, if there is one.
 *
 * @throws the error that kept the body from being complete.
 */
export let loadContent: (response: HttpResponse) => Promise<void> | undefined;

let setUnreadBody: (response: HttpResponse, body: UnreadBody) => void;

/** A response to a request, with its complete body: the body is read inside the attempt. */
export class HttpResponse {
  readonly status: number;
  readonly statusText: string;
  /** The URL that returned the response, after redirects. */
  readonly url: string;
  readonly #headerRecord: HttpResponseInit["headers"];
  #content: Uint8Array | undefined;
  #unreadBody: UnreadBody | undefined;
  #headers: ResponseHeaders | undefined;
  #call: CallInfo = noCall;
  #history: readonly HttpResponse[] = noRedirects;
  #isRequestKeyed = false;
  #verdict: Verdict | undefined;

  constructor({ status, statusText, url, headers, content }: HttpResponseInit) {
    this.status = status;
    this.statusText = statusText;
    this.url = url;
    this.#content = content;
    this.#headerRecord = headers;
  }

  /**
   * The body as bytes, decoded from its Content-Encoding (requests calls it `content`, too).
   *
   * @throws IncompleteBodyError in a hook, for a response whose body was not read because the call continues without it.
   */
  get content(): Uint8Array {
    if (this.#content === undefined)
      throw this.#unreadBody?.missingError ?? new TypeError("The response has no content");
    return this.#content;
  }

  /** The response headers. Names are looked up in any case. */
  get headers(): ResponseHeaders {
    return (this.#headers ??= new ResponseHeaders(this.#headerRecord));
  }

  /** The links of the Link header by their relation (RFC 8288): `response.links.next?.url`. */
  get links(): Links {
    return parseLinks(this.headers.get("link"), this.url);
  }

  /** Whether the status is 2xx. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The meaning of the response, with advice for a person. */
  get verdict(): Verdict {
    return this.#verdict ?? statusVerdict(this.status, hasHeader(this, "retry-after"), this.#isRequestKeyed);
  }

  /** Every attempt that led to this response, in order. Includes the attempts of the redirects before it. */
  get attempts(): readonly AttemptRecord[] {
    return this.#call.attempts;
  }

  /** The redirects that led to this response, oldest first. */
  get history(): readonly HttpResponse[] {
    return this.#history;
  }

  /** Milliseconds from the start of the request to the end of the response, retries and waits included. */
  get elapsed(): number {
    return this.#call.elapsed;
  }

  /**
   * When the server allows the next request, in milliseconds since 1970. Set if that is later than the call may wait, or
   * if the request is not safe to repeat.
   */
  get retryAt(): number | undefined {
    return this.#call.retryAt;
  }

  /** Returns the body as text. The charset comes from the byte order mark, then from Content-Type. @default UTF-8 */
  async text(): Promise<string> {
    return decodeText(this.content, this.headers.get("content-type"));
  }

  /** Returns the body as bytes. */
  async bytes(): Promise<Uint8Array> {
    return this.content;
  }

  /**
   * Returns the body parsed as JSON, checked against `schema` if given. A 204 or 205 without a body gives undefined.
   *
   * @throws SyntaxError with `response` if the body is not JSON. SchemaError if it does not match the schema, or StatusError
   * if the response is an error.
   */
  json<T = unknown>(schema?: StandardSchema<T>): Promise<T>;
  async json(schema?: StandardSchema): Promise<unknown> {
    const text = await this.text();
    const value = text === "" && hasNoContent(this) ? undefined : parseJson(text, this);
    return schema === undefined ? value : validatorOf(schema, this)?.(value);
  }

  /**
   * Returns the lines of the body, without their line breaks. A streamed body is read as it arrives, no faster than you
   * take its lines.
   *
   * @throws LineTooLongError; the errors of the body, such as IncompleteBodyError.
   */
  lines(options?: LineOptions): AsyncGenerator<string, void, undefined> {
    return readLines(
      { url: this.url, body: [this.content], type: this.headers.get("content-type") },
      options,
    );
  }

  /**
   * Returns the values of a body of JSON lines (NDJSON), checked against `schema` if given. Blank lines are skipped.
   *
   * @throws SyntaxError for a line that is not JSON, such as a last line that was cut; SchemaError; the errors of `lines`.
   */
  jsonLines<T = unknown>(
    schema?: StandardSchema<T>,
    options?: LineOptions,
  ): AsyncGenerator<T, void, undefined>;
  jsonLines(schema?: StandardSchema, options?: LineOptions): AsyncGenerator<unknown, void, undefined> {
    return readJsonLines(
      { url: this.url, body: [this.content], type: null },
      { ...options, validate: validatorOf(schema, this) },
    );
  }

  /**
   * Returns the response if its verdict is success.
   *
   * @throws StatusError otherwise, with the response.
   */
  raiseForStatus(): this {
    if (this.verdict.kind !== "success") throw new StatusError(this);
    return this;
  }

  /** Returns status and URL without credentials, for logs. `console.log` shows the same. */
  toJSON(): { readonly status: number; readonly statusText: string; readonly url: string } {
    const { status, statusText, url } = this;
    return { status, statusText: redact(statusText), url: redact(url) };
  }

  static {
    setVerdict = (response, verdict) => {
      response.#verdict = verdict;
    };
    markRequestKeyed = (response) => {
      response.#isRequestKeyed = true;
    };
    attachCall = (response, call) => {
      response.#call = call;
    };
    callOf = (response) => response.#call;
    setHistory = (response, history) => {
      response.#history = history;
    };
    hasHeader = (response, name) => response.#headerRecord[name] !== undefined;
    headerNames = (response) => Object.keys(response.#headerRecord);
    contentInMemory = (response) => response.#content;
    unreadBodyOf = (response) => (response.#content === undefined ? response.#unreadBody : undefined);
    loadContent = (response) =>
      unreadBodyOf(response)
        ?.readAll()
        .then((content) => {
          response.#content = content;
        });
    setUnreadBody = (response, body) => {
      response.#content = undefined;
      response.#unreadBody = body;
    };
  }
}

// Not in the class: isolated declarations cannot name a member by this symbol.
Object.defineProperty(HttpResponse.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  value(this: HttpResponse, _depth: number, options: InspectOptions): string {
    const { inspect } = loadUtil();
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  },
});

/** The fields of a response with an unread body. */
export interface UnreadResponseInit extends Omit<HttpResponseInit, "content"> {
  readonly body: UnreadBody;
}

/**
 * Creates a response without reading its body, because the call continues whatever the body says. Reading its content
 * throws until `loadContent` has succeeded.
 */
export function unreadResponse({ body, ...head }: UnreadResponseInit): HttpResponse {
  const response = new HttpResponse({ ...head, content: noBytes });
  setUnreadBody(response, body);
  return response;
}

/** An error response: thrown with `throwOnStatus`, by `raiseForStatus()`, by downloads, and by `json(schema)` of an error body. */
export class StatusError extends HoldfastError {
  readonly code = "ERR_STATUS";
  readonly response: HttpResponse;
  /** The explanation in the body of the response, on one line. Undefined without one. */
  readonly serverMessage: string | undefined;

  /** `body` is the body of a streamed response, as far as it is known. */
  constructor(response: HttpResponse, options?: ErrorOptions & { readonly body?: Uint8Array | undefined }) {
    const serverMessage = readServerMessage(
      options?.body ?? contentInMemory(response),
      response.headers.get("content-type"),
    );
    super(describeStatus(response, serverMessage), options);
    this.response = response;
    this.serverMessage = serverMessage;
  }

  get status(): number {
    return this.response.status;
  }

  /** The URL of the response, without credentials. */
  get url(): string {
    return redact(this.response.url);
  }

  /** The method of the last request. */
  get method(): string | undefined {
    return this.response.attempts.at(-1)?.method;
  }

  /** Every attempt that led to the response, in order. */
  get attempts(): readonly AttemptRecord[] {
    return this.response.attempts;
  }

  get verdict(): Verdict {
    return this.response.verdict;
  }
}

function describeStatus(response: HttpResponse, serverMessage: string | undefined): string {
  const { verdict, attempts } = response;
  const count = attempts.length > 1 ? ` after ${attempts.length} attempts` : "";
  const message = serverMessage === undefined ? "" : `: ${serverMessage}`;
  const advice = verdict.advice === "" ? "" : `. ${verdict.advice}`;
  return `${describeResponse(response)}${count}${message}${advice}`;
}

/** Returns method, URL and status of a response: `GET https://a.test/ responded with 404 Not Found`. */
function describeResponse({ attempts, url, status, statusText }: HttpResponse): string {
  const method = attempts.at(-1)?.method;
  return `${method === undefined ? "" : `${method} `}${url} responded with ${status} ${statusText}`.trimEnd();
}

brandClass(StatusError, "StatusError");

/** The body is JSON, but does not match the schema. */
export class SchemaError extends HoldfastError {
  readonly code = "ERR_SCHEMA";
  readonly issues: readonly SchemaIssue[];
  readonly response: HttpResponse;

  constructor(issues: readonly SchemaIssue[], response: HttpResponse) {
    super(`${describeResponse(response)}, and the body does not match the schema: ${describeIssues(issues)}`);
    this.issues = issues;
    this.response = response;
  }

  get status(): number {
    return this.response.status;
  }

  get url(): string {
    return redact(this.response.url);
  }
}

brandClass(SchemaError, "SchemaError");

/**
 * Returns a function that validates a value of a body and returns the output of the schema.
 *
 * It throws a SchemaError with every issue; for an error response a StatusError, with the SchemaError as its cause.
 */
export function validatorOf(
  schema: StandardSchema | undefined,
  response: HttpResponse,
): Validator | undefined {
  if (schema === undefined) return undefined;
  // Of JavaScript, or of a reviver as JSON.parse takes one.
  if (!isObject(schema) && typeof schema !== "function") throw new TypeError(wrongSchema);
  if (!("~standard" in schema)) throw new TypeError(wrongSchema);
  return async (value) => {
    const result = await schema["~standard"].validate(value);
    if (result.issues === undefined) return result.value;
    const cause = new SchemaError(result.issues, response);
    throw response.status >= 400 ? new StatusError(response, { cause }) : cause;
  };
}

const wrongSchema =
  "json and jsonLines take a Standard Schema as their argument, such as one of zod, valibot or arktype";

/** Returns whether the status says that there is no content (RFC 9110 §15.3.5, §15.3.6). */
function hasNoContent({ status }: HttpResponse): boolean {
  return status === 204 || status === 205;
}

function parseJson(text: string, response: HttpResponse): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // Not kept as the cause: it quotes from the middle of the body, where `redact` cannot recognise credentials.
    const error = new SyntaxError(redact(describeInvalidJson(text, response, cause)));
    // Not enumerable: the message has all that a log needs.
    throw Object.defineProperty(error, "response", { value: response });
  }
}
