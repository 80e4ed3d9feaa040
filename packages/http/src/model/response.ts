import { inspect, type InspectOptions } from "node:util";
import { redact } from "@holdfast/policy";
import type { AttemptRecord } from "./attempt-record.ts";
import { StatusError } from "../errors/transport-errors.ts";
import { ResponseHeaders } from "./headers.ts";
import { parseJson } from "./json.ts";
import type { BodyBreak, BodySequel } from "./body-stream.ts";
import { validate, type StandardSchema } from "./schema.ts";
import { statusVerdict, type Verdict } from "./verdict.ts";

/** What a response is made of. */
export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Decoded. */
  readonly content: Uint8Array;
}

/** The call that brought a response, as far as the response tells of it. */
export interface Provenance {
  readonly attempts: readonly AttemptRecord[];
  readonly elapsed: number;
  readonly retryAt: number | undefined;
  /** Hears what ended the body of a streamed response before its end, and says what follows. */
  bodyBroke?(response: HttpResponse, broke: BodyBreak): Promise<BodySequel>;
}

const nobody: Provenance = { attempts: [], elapsed: 0, retryAt: undefined };
const noRedirects: readonly HttpResponse[] = [];

/** A whole answer: its body was read inside the attempt, so that what is here is complete. */
export class HttpResponse {
  readonly status: number;
  readonly statusText: string;
  /** The URL that answered, after redirects. */
  readonly url: string;
  readonly #content: Uint8Array;
  readonly #record: Answer["headers"];
  #headers: ResponseHeaders | undefined;
  #provenance: Provenance = nobody;
  #history: readonly HttpResponse[] = noRedirects;
  #keyed = false;
  #verdict: Verdict | undefined;

  constructor({ status, statusText, url, headers, content }: Answer) {
    this.status = status;
    this.statusText = statusText;
    this.url = url;
    this.#content = content;
    this.#record = headers;
  }

  /** The body as bytes, decoded from its Content-Encoding (what requests calls `content`). */
  get content(): Uint8Array {
    return this.#content;
  }

  /** The body as far as it can be looked at without reading it: undefined where it is still coming; the session's own. */
  get preview(): Uint8Array | undefined {
    return this.#content;
  }

  get headers(): ResponseHeaders {
    return (this.#headers ??= new ResponseHeaders(this.#record));
  }

  /** Whether the status is 2xx. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** What the answer means, and what a person should do about it. */
  get verdict(): Verdict {
    return this.#verdict ?? statusVerdict(this.status, this.bears("retry-after"), this.#keyed);
  }

  /** Every attempt that led here, in order, this answer's last; those of the redirects before it included. */
  get attempts(): readonly AttemptRecord[] {
    return this.#provenance.attempts;
  }

  /** The redirects that led here, oldest first. */
  get history(): readonly HttpResponse[] {
    return this.#history;
  }

  /** From the start of the request to the end of its answer, retries and waits included, in milliseconds. */
  get elapsed(): number {
    return this.#provenance.elapsed;
  }

  /**
   * When the server wants to be asked again, in milliseconds since 1970, where that was later than the call would wait, or
   * the request may not be sent again without the caller's word.
   */
  get retryAt(): number | undefined {
    return this.#provenance.retryAt;
  }

  /** The body as text, in the charset of its byte order mark or of Content-Type; UTF-8 without either. */
  text(): Promise<string> {
    return Promise.resolve(textOf(this.content, this.headers.get("content-type")));
  }

  bytes(): Promise<Uint8Array> {
    return Promise.resolve(this.content);
  }

  /**
   * The body as JSON, checked against a schema where one is given.
   *
   * @throws SyntaxError when it is not JSON, with `response`; SchemaError when it is not what the schema asks for.
   */
  json<T = unknown>(schema?: StandardSchema<T>): Promise<T>;
  async json(schema?: StandardSchema): Promise<unknown> {
    const value = parseJson(await this.text(), this);
    return schema === undefined ? value : validate(schema, value);
  }

  /**
   * Gives the response back when its verdict is success.
   *
   * @throws StatusError otherwise, with the response.
   */
  raiseForStatus(): this {
    if (this.verdict.kind !== "success") throw new StatusError(this);
    return this;
  }

  /** Whether the answer has a header, by its name in lower case: cheaper than `headers`, which is made when read. */
  bears(name: string): boolean {
    return this.#record[name] !== undefined;
  }

  /** What of it is fit for a log, and what `console.log` shows: status and URL, without credentials. */
  toJSON(): { readonly status: number; readonly statusText: string; readonly url: string } {
    const { status, statusText, url } = this;
    return { status, statusText: redact(statusText), url: redact(url) };
  }

  /** Says that nobody wants the body: nothing to do where it is here already; the session's own. */
  discard(): Promise<void> | undefined {
    return undefined;
  }

  /** Whether the body was not waited for, because the call goes on without it; the session's own. */
  get late(): boolean {
    return false;
  }

  /** What reading a late body throws; the session's own. */
  get missing(): Error | undefined {
    return undefined;
  }

  /**
   * Waits for a late body after all; the session's own.
   *
   * @throws what kept it from being whole.
   */
  arrive(): Promise<void> | undefined {
    return undefined;
  }

  /** Says that the answer means something else than its status says; the session's own. */
  judged(verdict: Verdict): this {
    this.#verdict = verdict;
    return this;
  }

  /** Says that the request bore an idempotency key; the session's own. */
  toKeyedRequest(): this {
    this.#keyed = true;
    return this;
  }

  /** Says which call brought the response; the session's own. */
  broughtBy(provenance: Provenance): this {
    this.#provenance = provenance;
    return this;
  }

  /** Says which redirects led here, oldest first; the session's own. */
  redirectedFrom(history: readonly HttpResponse[]): this {
    this.#history = history;
    return this;
  }
}

// Not in the class: isolated declarations cannot name a member by this symbol.
Object.defineProperty(HttpResponse.prototype, inspect.custom, {
  value(this: HttpResponse, _depth: number, options: InspectOptions): string {
    return `${this.constructor.name} ${inspect(this.toJSON(), options)}`;
  },
});

/**
 * Decodes text in the charset of its byte order mark, else in that which a Content-Type names, else in UTF-8 (the order
 * is that of "decode" in WHATWG Encoding). A charset that is not known is none.
 */
export function textOf(bytes: Uint8Array, contentType: string | null): string {
  return new TextDecoder(markOf(bytes) ?? charsetOf(contentType)).decode(bytes);
}

function markOf([first, second]: Uint8Array): string | undefined {
  if (first === 0xfe && second === 0xff) return "utf-16be";
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xef && second === 0xbb ? "utf-8" : undefined;
}

function charsetOf(contentType: string | null): string {
  const [, charset] = /(?:^|;)\s*charset\s*=\s*["']?([^\s"';]+)/i.exec(contentType ?? "") ?? [];
  if (charset === undefined) return "utf-8";
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    return "utf-8";
  }
}
