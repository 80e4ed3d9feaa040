import { channel, type Channel } from "node:diagnostics_channel";

/**
 * The channels on which undici publishes its requests. OpenTelemetry, Sentry, other monitors and Node's network inspector subscribe to
 * them, so that they see the requests of a session as well.
 */
export const undiciChannels: UndiciChannels = {
  create: /* @__PURE__ */ channel("undici:request:create"),
  sendHeaders: /* @__PURE__ */ channel("undici:client:sendHeaders"),
  headers: /* @__PURE__ */ channel("undici:request:headers"),
  trailers: /* @__PURE__ */ channel("undici:request:trailers"),
  error: /* @__PURE__ */ channel("undici:request:error"),
};

type UndiciChannels = Readonly<Record<"create" | "sendHeaders" | "headers" | "trailers" | "error", Channel>>;
