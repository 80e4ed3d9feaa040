import { isProxyProvider, type ProxyProvider, type ProxySelection } from "../../model/proxy-provider.ts";
import type { Environment, ProxyMap } from "./environment.ts";
import { createProxyLookup, hasEnvironmentProxy, isExempt } from "./proxy-map.ts";

/** A route through a provider, which leases a proxy for each attempt. */
export interface ProviderRoute extends ProxySelection {
  readonly provider: ProxyProvider;
}

/** The route of a request: the URL of one proxy, a provider, or undefined for a direct connection. */
export type Route = string | ProviderRoute | undefined;

/** The `proxy` option of a session or a request. */
export type ProxyOption = string | ProxyMap | ProxyProvider | ProxySelection;

/** Returns the route of a request to a URL. `own` is the request's own `proxy` option. */
export type Router = (url: URL, own?: ProxyOption) => Route;

/**
 * Returns a router. The request's own option comes first, then the session's, then the environment. A request that
 * names a proxy bypasses the session's provider.
 *
 * @throws TypeError from the router, for a selection if the session has no provider.
 */
export function createRouter(
  session: string | ProxyMap | ProxyProvider | undefined,
  environment: Environment | undefined,
): Router {
  const provider = isProxyProvider(session) ? session : undefined;
  const lookUp = createProxyLookup(isProxyProvider(session) ? undefined : session, environment);
  const lookUpOwn = createProxyLookup(undefined, undefined);
  // A map that does not name the URL falls back to the provider. Only its own `no_proxy` allows a direct connection.
  const routeOwn = (pool: ProxyProvider, url: URL, own: string | ProxyMap): Route =>
    isExempt(url, own) ? undefined : (lookUpOwn(url, own) ?? routeThrough(pool, url));
  const isDirect = session === undefined && !hasEnvironmentProxy(environment);
  return (url, own) => {
    // Hot path: most sessions have no proxy.
    if (isDirect && own === undefined) return undefined;
    if (own === undefined) return provider === undefined ? lookUp(url) : routeThrough(provider, url);
    if (isProxyProvider(own)) return routeThrough(own, url);
    if (!isSelection(own)) return provider === undefined ? lookUp(url, own) : routeOwn(provider, url, own);
    if (provider === undefined)
      throw new TypeError(
        "proxy: { country, identity } selects a proxy from the session's pool, but the session has none; create the session with proxy: new ProxyPool([...])",
      );
    return routeThrough(provider, url, own);
  };
}

/** Returns a proxy's URL for logs, without credentials. */
export function formatProxyForLog(proxy: string): string {
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}

function routeThrough(provider: ProxyProvider, url: URL, { country, identity }: ProxySelection = {}): Route {
  return provider.covers(url) ? { provider, country, identity } : undefined;
}

function isSelection(own: string | ProxyMap | ProxySelection): own is ProxySelection {
  return typeof own === "object" && ("country" in own || "identity" in own);
}
