import type { Dispatcher, Pool } from "undici";
import type { Get } from "./get.ts";

/** Collects the chunks of a body: the minimum for a GET with undici. */
class BareHandler implements Dispatcher.DispatchHandler {
  readonly #resolve: (body: Uint8Array) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];
  #status = 0;

  constructor(resolve: (body: Uint8Array) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [only] = this.#chunks;
    if (this.#status !== 200) this.#reject(new Error(`Expected status 200, got ${this.#status}`));
    else this.#resolve(this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}

/** Returns a `get` that dispatches with a minimal handler. */
export function getWithBareDispatch(pool: Pool): Get {
  return (url) =>
    new Promise((resolve, reject) => {
      pool.dispatch(
        { method: "GET", path: url.slice(url.indexOf("/", 8)) },
        new BareHandler(resolve, reject),
      );
    });
}
