declare module "undici/lib/core/symbols.js" {
  const symbols: { readonly kHTTP2Session: unique symbol };
  export default symbols;
}

declare module "undici/lib/dispatcher/client.js" {
  import type { ClientHttp2Session } from "node:http2";
  import type { Client, Dispatcher } from "undici";
  import type symbols from "undici/lib/core/symbols.js";

  export default class extends Client {
    /** Node's session, available after the event "connect". */
    readonly [symbols.kHTTP2Session]: ClientHttp2Session;

    /** undici accepts more kinds of bodies than its types state. `RequestBody` lists the kinds in use. */
    override dispatch(options: object, handler: Dispatcher.DispatchHandler): boolean;
  }
}
