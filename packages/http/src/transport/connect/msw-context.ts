import { types } from "node:util";
import { loadHttp } from "../../support/builtins.ts";

/**
 * Opens a connection. While `setupServer` of msw 3 is active, which mocks only the connections that it can attribute to `fetch` or
 * to a request of node:http, opens it as such a request, so that msw sees the requests of sessions too.
 */
export function openForMocks<T>(open: () => T): T {
  // Defined by the library under msw. Programs without mocks end here.
  if (!("__MSW_INTERNAL_CONNECTION_CONTEXT" in globalThis)) return open();
  const http = loadHttp();
  if (!types.isProxy(http.ClientRequest)) return open();
  let opened: { readonly value: T } | undefined;
  // Node calls `addRequest` of an agent in place of opening a connection itself.
  const addRequest = (): unknown => (opened = { value: open() });
  const request = http.request({ agent: Object.assign(new http.Agent(), { addRequest }) });
  request.on("error", () => undefined).destroy();
  return opened === undefined ? open() : opened.value;
}
