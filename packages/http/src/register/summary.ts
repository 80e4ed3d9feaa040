import type { AttemptRecord } from "../model/attempt-record.ts";
import { isObject } from "../support/validate.ts";

/** Counts the requests of a process, and describes them in one line. */
export class Summary {
  #requests = 0;
  #retries = 0;
  #failed = 0;
  readonly #reasons = new Map<string, number>();
  readonly #unreached = new Map<string, number>();

  countAttempt({ number }: AttemptRecord): void {
    if (number === 1) this.#requests += 1;
  }

  countFailure(): void {
    this.#failed += 1;
  }

  countRetry({ status, error }: AttemptRecord): void {
    this.#retries += 1;
    count(this.#reasons, status === undefined ? (error?.name ?? "an error") : String(status));
  }

  /** Counts a request that the session did not send, and why. */
  countUnreached(reason: string): void {
    count(this.#unreached, reason);
  }

  /** Counts a connection that a client of undici has opened itself. */
  countOtherClient(message: unknown): void {
    const params = isObject(message) ? message["connectParams"] : undefined;
    const host = isObject(params) && typeof params["host"] === "string" ? params["host"] : "a server";
    this.countUnreached(`another dispatcher, to ${host}`);
  }

  countReplacedDispatcher(): void {
    this.countUnreached(
      "setGlobalDispatcher of the program, which replaced the session for later calls of fetch",
    );
  }

  /** Returns the line; undefined if there was no request. */
  line(): string | undefined {
    if (this.#requests === 0 && this.#unreached.size === 0) return undefined;
    const retried = this.#retries === 0 ? "none" : `${this.#retries} (${list(this.#reasons)})`;
    const failed = this.#failed === 0 ? "" : `, ${this.#failed} without success`;
    const unreached = this.#unreached.size === 0 ? "" : `; not reached: ${list(this.#unreached)}`;
    return `holdfast: ${this.#requests} ${this.#requests === 1 ? "request" : "requests"}${failed}; retries: ${retried}${unreached}`;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([name, number]) => `${number} × ${name}`).join(", ");
}
