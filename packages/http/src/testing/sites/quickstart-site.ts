import { close, cut, reset, silence } from "../replies/faults.ts";
import { pageBody } from "./page-body.ts";
import { chunked, respond } from "../replies/respond.ts";
import type { Routes } from "../origin/routes.ts";
import { pick, seeded } from "../scripted/seeded.ts";
import type { Reply } from "../replies/steps.ts";

/** Size and faults of a quickstart site. */
export interface QuickstartSiteOptions {
  /** Number of pages, numbered from 1. @default 300 */
  readonly pages?: number;
  /** Seed of the pages and their faults. @default 1 */
  readonly seed?: number;
  /** Milliseconds until a silent page closes the connection. @default 5000 */
  readonly silence?: number;
  /** Share of the pages that fail at first, from 0 to 1. @default 1/3 */
  readonly failing?: number;
}

/** The failure of a page before it works. */
export type PageFault = "503" | "429" | "502" | "reset" | "closed" | "cut body" | "cut chunks" | "silence";

/** A site for first steps: some pages work immediately, others at the second or third attempt. */
export interface QuickstartSite {
  readonly routes: Routes;
  /** The path of each page, in order. */
  readonly paths: readonly string[];
  /** The URL of each page at an origin such as `http://127.0.0.1:8080`. */
  urls(origin: string): readonly string[];
  /** Returns the content of page `number`. */
  pageBody(number: number): string;
  /** Returns the faults of page `number`: one per failing attempt, at most two. */
  pageFaults(number: number): readonly PageFault[];
}

const kinds = ["503", "429", "502", "reset", "closed", "cut body", "cut chunks", "silence"] as const;
const html = { "content-type": "text/html; charset=utf-8" };

/** Creates a site where about a third of the pages fail at first. The seed chooses the faults. Each page works at its third attempt. */
export function quickstartSite(options: QuickstartSiteOptions = {}): QuickstartSite {
  const { pages = 300, seed = 1, silence: quiet = 5_000, failing = 1 / 3 } = options;
  const numbers = Array.from({ length: pages }, (_, index) => index + 1);
  const plan = numbers.map((number) => drawFaults(seeded(seed * 7_919 + number), failing));
  const paths = numbers.map((number) => `/pages/${number}`);
  const faultsOf = (number: number): readonly PageFault[] => plan[number - 1] ?? [];

  return {
    routes: {
      "/pages/*": ({ path, attempt }) => {
        const number = Number(path.slice("/pages/".length));
        if (!numbers[number - 1]) return respond(404, { body: "No such page\n" });
        const body = pageBody(number, seed);
        const fault = faultsOf(number)[attempt - 1];
        return fault === undefined ? respond(200, { headers: html, body }) : failures[fault](body, quiet);
      },
    },
    paths,
    urls: (origin) => paths.map((path) => `${origin}${path}`),
    pageBody: (number) => pageBody(number, seed),
    pageFaults: faultsOf,
  };
}

function drawFaults(random: () => number, failing: number): readonly PageFault[] {
  if (random() >= failing) return [];
  const first = pick(kinds, random);
  return random() < 0.3 ? [first, pick(kinds, random)] : [first];
}

/** The reply of each fault for a page with this body. */
const failures: Readonly<Record<PageFault, (body: string, quiet: number) => Reply>> = {
  "503": () => respond(503, { headers: { "retry-after": "1" }, body: "Busy, come back in a second\n" }),
  "429": () => respond(429, { headers: { "retry-after": "1" }, body: "Too many requests\n" }),
  "502": () => respond(502, { body: "Bad gateway\n" }),
  reset: () => reset(),
  closed: () => close(),
  "cut body": (body) => half(respond(200, { headers: html, body }), body),
  "cut chunks": (body) => half(chunked(200, [body], { headers: html }), body),
  silence: (_, quiet) => silence(quiet),
};

function half(whole: Reply, body: string): Reply {
  return cut(whole, { atBody: Math.floor(body.length / 2), by: "fin" });
}
