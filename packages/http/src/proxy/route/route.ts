import { proxyChooser } from "./proxy-map.ts";
import type { Environment, ProxyMap } from "../list/environment.ts";
import { ProxyPool } from "../pool/pool.ts";
import type { ProxySelection } from "../options/options.ts";

/** A pool to lease a proxy from, for each attempt anew, and what was said of which one. */
export interface PoolRoute extends ProxySelection {
  readonly pool: ProxyPool;
}

/** How a request goes: through the proxy of that URL, through one of a pool, or directly. */
export type Route = string | PoolRoute | undefined;

/** What a session, or a request, says of proxies. */
export type ProxyWord = string | ProxyMap | ProxyPool | ProxySelection;

/** Says how a request to a URL goes. */
export type Router = (url: URL, own?: ProxyWord) => Route;

/**
 * Chooses by what was said with the request, else with the session, else in the environment; a request that names a
 * proxy does not go through the session's pool.
 *
 * @throws TypeError, when it is asked, for a selection where the session has no pool.
 */
export function router(
  session: string | ProxyMap | ProxyPool | undefined,
  environment: Environment | undefined,
): Router {
  const pool = session instanceof ProxyPool ? session : undefined;
  const choose = proxyChooser(session instanceof ProxyPool ? undefined : session, environment);
  // A map that does not name the URL leaves it to the pool: nothing goes around a proxy unasked.
  const chooseOwn = proxyChooser(undefined, undefined);
  return (url, own) => {
    if (own === undefined) return pool === undefined ? choose(url) : routeIn(pool, url);
    if (own instanceof ProxyPool) return routeIn(own, url);
    if (!isSelection(own))
      return pool === undefined ? choose(url, own) : (chooseOwn(url, own) ?? routeIn(pool, url));
    if (pool === undefined)
      throw new TypeError("proxy: { country, identity } selects from a pool, and the session has none");
    return routeIn(pool, url, own);
  };
}

/** What may be shown of a proxy's URL. */
export function shownProxy(proxy: string): string {
  const { protocol, host } = new URL(proxy);
  return `${protocol}//${host}`;
}

function routeIn(pool: ProxyPool, url: URL, { country, identity }: ProxySelection = {}): Route {
  return pool.covers(url) ? { pool, country, identity } : undefined;
}

function isSelection(own: string | ProxyMap | ProxySelection): own is ProxySelection {
  return typeof own === "object" && ("country" in own || "identity" in own);
}
