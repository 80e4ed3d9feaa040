import type { AttemptRecord } from "./attempt-record.ts";
import { StatusError } from "./errors.ts";
import { ResponseHeaders } from "./headers.ts";
import { validate, type StandardSchema } from "./schema.ts";
import { statusVerdict, type Verdict } from "./retry/verdict.ts";

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
}

const nobody: Provenance = { attempts: [], elapsed: 0, retryAt: undefined };
const noRedirects: readonly Response[] = [];

/** A whole answer: its body was read inside the attempt, so that what is here is complete. */
export class Response {
  readonly status: number;
  readonly statusText: string;
  /** The URL that answered, after redirects. */
  readonly url: string;
  /** The body as bytes, decoded from its Content-Encoding (what requests calls `content`). */
  readonly content: Uint8Array;
  readonly #record: Answer["headers"];
  #headers: ResponseHeaders | undefined;
  #provenance: Provenance = nobody;
  #history: readonly Response[] = noRedirects;

  constructor({ status, statusText, url, headers, content }: Answer) {
    this.status = status;
    this.statusText = statusText;
    this.url = url;
    this.content = content;
    this.#record = headers;
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
    return statusVerdict(this.status, this.headers.has("retry-after"));
  }

  /** Every attempt of the call, in order, this answer's last. */
  get attempts(): readonly AttemptRecord[] {
    return this.#provenance.attempts;
  }

  /** The redirects that led here, oldest first. */
  get history(): readonly Response[] {
    return this.#history;
  }

  /** The whole call, waits included, in milliseconds. */
  get elapsed(): number {
    return this.#provenance.elapsed;
  }

  /** When the server wants to be asked again, in milliseconds since 1970, where that was later than the call would wait. */
  get retryAt(): number | undefined {
    return this.#provenance.retryAt;
  }

  /** The body as text, in the charset that Content-Type names; UTF-8 without one. */
  text(): Promise<string> {
    return Promise.resolve(new TextDecoder(charsetOf(this.headers.get("content-type"))).decode(this.content));
  }

  bytes(): Promise<Uint8Array> {
    return Promise.resolve(this.content);
  }

  /**
   * The body as JSON, checked against a schema where one is given.
   *
   * @throws SyntaxError when it is not JSON; SchemaError when it is not what the schema asks for.
   */
  json<T = unknown>(schema?: StandardSchema<T>): Promise<T>;
  async json(schema?: StandardSchema): Promise<unknown> {
    const value: unknown = JSON.parse(await this.text());
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

  /** Says which call brought the response; the session's own. */
  broughtBy(provenance: Provenance): this {
    this.#provenance = provenance;
    return this;
  }

  /** Says which redirects led here, oldest first; the session's own. */
  redirectedFrom(history: readonly Response[]): this {
    this.#history = history;
    return this;
  }
}

function charsetOf(contentType: string | null): string {
  const [, charset] = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "") ?? [];
  if (charset === undefined) return "utf-8";
  try {
    return new TextDecoder(charset).encoding;
  } catch {
    return "utf-8";
  }
}
