declare module "undici/lib/dispatcher/client.js" {
  import type { Client, Dispatcher } from "undici";

  /** undici takes anything that can be iterated for a body; its own types do not say so. */
  export interface AnyDispatchOptions extends Omit<Dispatcher.DispatchOptions, "body"> {
    body?: Dispatcher.DispatchOptions["body"] | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  }

  export default class extends Client {
    override dispatch(options: AnyDispatchOptions, handler: Dispatcher.DispatchHandler): boolean;
  }
}
