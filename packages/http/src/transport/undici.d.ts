declare module "undici/lib/dispatcher/client.js" {
  import type { Client, Dispatcher } from "undici";

  export default class extends Client {
    /** undici takes more kinds of bodies than its own types say; `speaker.ts` says which are used. */
    override dispatch(options: object, handler: Dispatcher.DispatchHandler): boolean;
  }
}
