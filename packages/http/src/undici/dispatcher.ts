import { EventEmitter } from "node:events";
import type { SessionOptions } from "../call/options.ts";
import type { Dispatch } from "../dispatch/contract.ts";
import { dispatchThrough } from "../dispatch/engine.ts";
import { toFetchSession } from "../session/create-fetch.ts";
import { checkCredentials } from "./check-credentials.ts";
import { engineOf, type Session } from "../session/session.ts";

/** Wraps the dispatch of a dispatcher. */
export type Interceptor = (dispatch: Dispatch) => Dispatch;

/** Called when a dispatcher is closed. */
export type DispatcherCallback = (error: unknown) => void;

/** A dispatcher of undici that sends through a session. It takes the handlers of undici 5 to 8. */
export interface HoldfastDispatcher extends EventEmitter {
  readonly dispatch: Dispatch;
  /** Returns a dispatcher with interceptors. The last one gets each request first. */
  compose(...interceptors: readonly (Interceptor | readonly Interceptor[])[]): HoldfastDispatcher;
  /** Closes the session of the dispatcher. */
  close(callback?: DispatcherCallback): Promise<void>;
  /** Does the same. Requests under way fail. */
  destroy(error?: Error | DispatcherCallback | null, callback?: DispatcherCallback): Promise<void>;
}

/**
 * Returns a dispatcher for `setGlobalDispatcher` and `init.dispatcher`, with the retries, rate limits and connections of a session. It
 * works with the built-in fetch of Node 22, 24 and 26 and with npm undici 5 to 8, and loads none of them.
 *
 * Below a fetch every body is a stream: one that is at most 1 MiB and has a Content-Length is recorded, so that the request can be
 * sent again. Others are sent once.
 *
 * ```ts
 * setGlobalDispatcher(dispatcher({ retry: 5 }));
 * ```
 *
 * @throws TypeError or RangeError for an unknown option or a wrong value, with its name; TypeError for credentials without `baseUrl`.
 */
export function dispatcher(options: SessionOptions | Session = {}): HoldfastDispatcher {
  const session = toFetchSession(options);
  const engine = engineOf(session);
  checkCredentials("dispatcher", engine);
  const dispatch: Dispatch = (sent, handler) => dispatchThrough(engine, [sent, handler]);
  return new SessionDispatcher(dispatch, () => session.close());
}

class SessionDispatcher extends EventEmitter implements HoldfastDispatcher {
  readonly #dispatch: Dispatch;
  readonly #close: () => Promise<void>;

  constructor(dispatch: Dispatch, close: () => Promise<void>) {
    super();
    this.#dispatch = dispatch;
    this.#close = close;
  }

  get dispatch(): Dispatch {
    return this.#dispatch;
  }

  compose(...interceptors: readonly (Interceptor | readonly Interceptor[])[]): HoldfastDispatcher {
    const composed = interceptors
      .flat()
      .reduce<Dispatch>((dispatch, intercept) => intercept(dispatch), this.#dispatch);
    return new SessionDispatcher(composed, this.#close);
  }

  async close(callback?: DispatcherCallback): Promise<void> {
    await this.#close();
    callback?.(null);
  }

  destroy(error?: Error | DispatcherCallback | null, callback?: DispatcherCallback): Promise<void> {
    return this.close(typeof error === "function" ? error : callback);
  }
}
