import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificate } from "./certificates.ts";
import { nginx, type SeenRequest } from "./nginx.ts";
import { freePorts } from "./ports.ts";
import { slowRelay } from "./slow-relay.ts";
import { squid, type SquidPort } from "./squid.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./temporary-directory.ts";

/** The behaviour of a proxy of the fleet. */
export type FleetKind = "good" | "banned" | "slow" | "locked" | "dead";

export interface FleetProxy {
  readonly kind: FleetKind;
  readonly url: string;
  /** The address that the site sees; undefined if requests never reach the site. */
  readonly address: string | undefined;
}

export interface FleetOptions {
  /** @default 5_000 */
  readonly pages?: number;
  /** Number of proxies of each kind. @default 9 good, 5 banned, 3 dead, 2 slow, 1 locked */
  readonly counts?: Readonly<Partial<Record<FleetKind, number>>>;
  /** Delay before a slow proxy passes on the first byte, in milliseconds. @default 1_500 */
  readonly slowness?: number;
  /** Requests per address before the site responds with 429: a burst, then a number per second. @default no limit */
  readonly allowance?: { readonly burst: number; readonly perSecond: number };
  /** Simultaneous requests per address before the site responds with 429. Makes each request take a moment. @default no limit */
  readonly connections?: number;
  /** Makes the site use TLS with this certificate. */
  readonly certificate?: Certificate;
}

/** A site with small pages, and proxies to it. Disposing of it stops the servers and removes their files. */
export interface Fleet extends AsyncDisposable {
  /** The site's origin, without a slash at the end. */
  readonly url: string;
  /** The path of every page; the body of `/pages/0007` is `page 7`. */
  readonly paths: readonly string[];
  /** The proxies, with their kinds mixed in an order that is always the same. */
  readonly proxies: readonly FleetProxy[];
  readonly pids: readonly number[];
  /** Returns every request that the site has handled so far: 403 for a banned address, 429 beyond the allowance. */
  seen(): Promise<readonly SeenRequest[]>;
}

const defaultCounts: Readonly<Record<FleetKind, number>> = {
  good: 9,
  banned: 5,
  dead: 3,
  slow: 2,
  locked: 1,
};

/** Starts a site and a fleet: one nginx, and one squid that uses another outgoing address for each proxy. */
export async function fleet(options: FleetOptions = {}): Promise<Fleet> {
  const { pages = 5_000, counts, slowness = 1_500 } = options;
  await using stack = new AsyncDisposableStack();
  const members = mixKinds({ ...defaultCounts, ...counts });
  const alive = members.filter(({ kind }) => kind !== "dead");
  const [directory, proxies, deadPorts] = await Promise.all([
    site(pages).then((made) => stack.use(made)),
    squid(alive.map(squidPort)).then((started) => stack.use(started)),
    freePorts(members.length - alive.length),
  ]);
  const server = stack.use(await startSite(directory.path, members, options));
  const urls = new Map(alive.map(({ number }, index) => [number, proxies.urls[index] ?? ""]));
  const fleetProxies = await Promise.all(
    members.map(async ({ kind, number, address }): Promise<FleetProxy> => {
      if (kind === "dead") return { kind, url: `http://127.0.0.1:${deadPorts[number]}`, address: undefined };
      const url = withoutCredentials(urls.get(number) ?? "");
      if (kind !== "slow") return { kind, url, address: kind === "locked" ? undefined : address };
      const relay = stack.use(await slowRelay(Number(new URL(url).port), slowness));
      return { kind, url: `http://127.0.0.1:${relay.port}`, address };
    }),
  );
  const all = stack.move();
  return {
    url: server.url,
    paths: Array.from({ length: pages }, (_, number) => toPagePath(number)),
    proxies: fleetProxies,
    pids: [server.pid, proxies.pid],
    seen: () => server.seen(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface Member {
  readonly kind: FleetKind;
  readonly number: number;
  readonly address: string;
}

/** Returns the members of a fleet with their kinds mixed: one of each kind in turn, while there are any left. */
function mixKinds(counts: Readonly<Record<FleetKind, number>>): readonly Member[] {
  const kinds = ["good", "banned", "dead", "slow", "locked"] as const;
  const rounds = Math.max(...Object.values(counts));
  const order = Array.from({ length: rounds }, (_, round) =>
    kinds.filter((kind) => counts[kind] > round),
  ).flat();
  const dead = { number: 0 };
  return order.map((kind, index) => ({
    kind,
    number: kind === "dead" ? dead.number++ : index,
    address: `127.0.0.${index + 2}`,
  }));
}

function squidPort({ kind, address }: Member): SquidPort {
  const outgoing = address;
  return kind === "locked" ? { outgoing, credentials: { user: "ada", password: "love-lace" } } : { outgoing };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/.*@/, "//");
}

function startSite(
  root: string,
  members: readonly Member[],
  options: FleetOptions,
): ReturnType<typeof nginx> {
  const { allowance, connections, certificate } = options;
  const denied = members.filter(({ kind }) => kind === "banned").map(({ address }) => `deny ${address};`);
  const rateLimits =
    allowance === undefined
      ? []
      : [`limit_req zone=each burst=${allowance.burst} nodelay;`, "limit_req_status 429;"];
  // A page with its head is a little larger than the amount that may be sent in the first second.
  const connectionLimits =
    connections === undefined
      ? []
      : [`limit_conn crowd ${connections};`, "limit_conn_status 429;", "limit_rate 200;"];
  return nginx({
    root,
    conf: [...denied, ...rateLimits, ...connectionLimits].join("\n    "),
    httpConf: `limit_req_zone $binary_remote_addr zone=each:1m rate=${allowance?.perSecond ?? 1_000}r/s;
  limit_conn_zone $binary_remote_addr zone=crowd:1m;`,
    ...(certificate && { certificate }),
  });
}

async function site(pages: number): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory("fleet");
  await mkdir(join(directory.path, "pages"));
  for (let from = 0; from < pages; from += 100) {
    const batch = Array.from({ length: Math.min(100, pages - from) }, (_, index) => from + index);
    await Promise.all(
      batch.map((number) => writeFile(join(directory.path, toPagePath(number)), `page ${number}`)),
    );
  }
  return directory;
}

function toPagePath(number: number): string {
  return `/pages/${String(number).padStart(4, "0")}`;
}
