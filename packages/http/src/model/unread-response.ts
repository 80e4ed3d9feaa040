import { HttpResponse, textOf, type Answer } from "./response.ts";
import type { UnreadBody } from "./body-source.ts";

/** What a late response is made of. */
export interface LateAnswer extends Omit<Answer, "content"> {
  readonly rest: UnreadBody;
}

/**
 * An answer whose body was not waited for, because its status and headers send the call on already. Until somebody has it
 * `arrive`, its body cannot be read.
 */
export class LateResponse extends HttpResponse {
  readonly #rest: UnreadBody;
  #whole: Uint8Array | undefined;

  constructor({ rest, ...head }: LateAnswer) {
    super({ ...head, content: nothing });
    this.#rest = rest;
  }

  override get late(): boolean {
    return this.#whole === undefined;
  }

  override get missing(): Error {
    return this.#rest.missingError;
  }

  /** @throws IncompleteBodyError where the body was not waited for. */
  override get content(): Uint8Array {
    if (this.#whole === undefined) throw this.missing;
    return this.#whole;
  }

  override bytes(): Promise<Uint8Array> {
    return this.#whole === undefined ? Promise.reject(this.missing) : Promise.resolve(this.#whole);
  }

  override async text(): Promise<string> {
    return textOf(await this.bytes(), this.headers.get("content-type"));
  }

  override discard(): undefined {
    if (this.late) this.#rest.discard();
  }

  override async arrive(): Promise<void> {
    this.#whole ??= await this.#rest.readAll();
  }
}

const nothing = new Uint8Array(0);
