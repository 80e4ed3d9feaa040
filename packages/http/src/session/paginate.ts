import { createHash } from "node:crypto";
import { ownValue, shorten } from "@holdfast/policy/internal";
import { usualMethod } from "../call/build-request.ts";
import type { RequestOptions } from "../call/options.ts";
import { leavesOrigin } from "../model/redirect-request.ts";
import { paramNames, type Params } from "../model/request.ts";
import type { HttpResponse } from "../model/response.ts";
import { describeKind, isObject, quote } from "../support/validate.ts";
import { PaginationError } from "./errors.ts";

/** A value of the page's JSON that the next request sends as a query parameter. */
export interface Cursor {
  /** Path of the value in the JSON, such as `"meta.next_cursor"`. */
  readonly cursor: string;
  /** Name of the query parameter, such as `"after"`. */
  readonly param: string;
}

/** The next page: its URL, or options that replace those of the request before. Without `url`, the URL stays the same. */
export type NextPage =
  | string
  | URL
  | (Omit<RequestOptions, "stream" | "onWait" | "continuation"> & { readonly url?: string | URL });

/** Returns the next page. Undefined, null, false and "" end the pagination. */
export type NextFunction = (page: HttpResponse) => NextResult | Promise<NextResult>;

/** The result of a `NextFunction`. */
export type NextResult = NextPage | null | false | undefined;

/** The options of `session.paginate`. */
export interface PaginateOptions<Item> extends Omit<RequestOptions, "stream" | "onWait" | "continuation"> {
  /** Method of the requests. @default "GET", or "POST" with `json`, `form` or `body` */
  readonly method?: string;
  /**
   * Where the next page is: the path of its URL in the JSON of the page (`"links.next"`), a cursor, or a function.
   * Without a value at that path, the page is the last one. @default the Link header with `rel=next`
   */
  readonly next?: string | Cursor | NextFunction;
  /**
   * The items of a page: the path of the list in its JSON (`"data"`), or a function of the page.
   * `(page) => [page]` gives whole pages. @default the JSON, which must be a list
   */
  readonly items?: string | ((page: HttpResponse) => Iterable<Item> | Promise<Iterable<Item>>);
  /** Called with each item before you get it. True ends the pagination without that item. */
  readonly stopWhen?: (item: Item, page: HttpResponse) => boolean;
  /** Most pages to request. @default no limit */
  readonly maxPages?: number;
}

/** Sends the requests of a pagination. */
export interface PageSource {
  /** The parameters that the session adds to each URL. */
  readonly sessionParams: Params | undefined;
  request(method: string, url: string | URL, options: RequestOptions): Promise<HttpResponse>;
}

interface PageRequest {
  readonly url: string | URL;
  readonly options: RequestOptions;
}

/** A page, and how it was requested. */
interface Page {
  readonly response: HttpResponse;
  readonly request: PageRequest;
  /** The URL of the request, before any redirect. */
  readonly url: URL;
}

// As of a redirect.
const maxUrlLength = 65_536;
// A longer URL is remembered by its hash.
const maxKeyLength = 512;
// A loop of more pages than this is not recognised.
const maxVisited = 10_000;

/** Requests page after page, each when the items before it are used up. */
export async function* paginate<Item>(
  source: PageSource,
  start: string | URL,
  { method: given, next, items, stopWhen, maxPages = Infinity, ...options }: PaginateOptions<Item>,
): AsyncGenerator<Item, void, undefined> {
  const method = usualMethod({ ...options, method: given });
  const pages = new Pages(source.sessionParams);
  let request: PageRequest | undefined = { url: start, options };
  for (let count = 0; request !== undefined && count < maxPages; count += 1) {
    const response: HttpResponse = await source.request(method, request.url, request.options);
    const page: Page = pages.visit(response.raiseForStatus(), request);
    for (const item of await itemsOf(response, items)) {
      if (stopWhen?.(item, response) === true) return;
      yield item;
    }
    request = await pages.next(page, next);
  }
}

async function itemsOf<Item>(
  page: HttpResponse,
  items: PaginateOptions<Item>["items"],
): Promise<Iterable<Item>> {
  if (typeof items === "function") return items(page);
  if (page.status === 204) return [];
  const json = await page.json();
  const list = items === undefined ? json : valueAt(json, items);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller states the type of the items
  if (Array.isArray(list)) return list as Item[];
  const what = items === undefined ? "The JSON" : `The value ${quote(items)} of the JSON`;
  throw new PaginationError(
    `${what} of ${page.url} must be a list of items, but is ${describeKind(list)}. Name the list: items: ${suggestPath(json)}`,
    page,
  );
}

/** Returns the name of the first list in an object, or an example. */
function suggestPath(json: unknown): string {
  const found = isObject(json) ? Object.entries(json).find(([, value]) => Array.isArray(value)) : undefined;
  return quote(found?.[0] ?? "data");
}

/** Returns the value at a path such as `"meta.next"`. */
function valueAt(json: unknown, path: string): unknown {
  let value = json;
  for (const name of path.split(".")) value = isObject(value) ? ownValue(value, name) : undefined;
  return value;
}

/** Finds the next pages. */
class Pages {
  readonly #sessionParams: Params | undefined;
  /** The pages that the server has named, for a server that names them in a circle. */
  readonly #visited = new Set<string>();
  #first: Page | undefined;

  constructor(sessionParams: Params | undefined) {
    this.#sessionParams = sessionParams;
  }

  visit(response: HttpResponse, request: PageRequest): Page {
    const page = { response, request, url: new URL(response.history[0]?.url ?? response.url) };
    this.#first ??= page;
    this.#visited.add(keyOf(page.url));
    const [oldest] = this.#visited;
    if (oldest !== undefined && this.#visited.size > maxVisited) this.#visited.delete(oldest);
    return page;
  }

  async next(page: Page, next: string | Cursor | NextFunction | undefined): Promise<PageRequest | undefined> {
    const { response } = page;
    if (typeof next === "function") return this.#asReturned(page, await next(response));
    if (next === undefined) return this.#named(page, response.links.next?.url);
    if (response.status === 204) return undefined;
    const json = await response.json();
    if (typeof next === "string") return this.#named(page, valueAt(json, next));
    const value = asText(page, valueAt(json, next.cursor));
    if (value === undefined) return undefined;
    const url = new URL(this.#first?.url ?? page.url);
    url.searchParams.set(next.param, value);
    return this.#exact(page, url);
  }

  /** The request that the caller's function returned. */
  #asReturned({ request, response }: Page, next: NextResult): PageRequest | undefined {
    if (next === undefined || next === null || next === false || next === "") return undefined;
    if (typeof next === "string" || next instanceof URL)
      return { url: new URL(next, response.url), options: this.#withoutParams(request.options) };
    const { url, ...changed } = next;
    const options = { ...request.options, ...changed };
    if (url === undefined) return { url: request.url, options };
    const { params } = changed;
    const plain = this.#withoutParams(options);
    return { url: new URL(url, response.url), options: params === undefined ? plain : { ...plain, params } };
  }

  /** The request for a URL that the server named. Credentials must not go where the server likes. */
  #named(page: Page, value: unknown): PageRequest | undefined {
    const { response } = page;
    const text = asText(page, value);
    if (text === undefined) return undefined;
    const url = URL.parse(text, response.url);
    if (url === null)
      throw new PaginationError(
        `The next page of ${shorten(response.url, 500)} is not a URL: ${quote(shorten(text, 500))}`,
        response,
      );
    this.#checkOrigin(page, url);
    return this.#exact(page, url);
  }

  #checkOrigin(page: Page, url: URL): void {
    const { response } = page;
    const advice = "If you trust it, return its URL from a function: next: (page) => …";
    if (leavesOrigin(page.url, url))
      throw new PaginationError(
        `The next page of ${shorten(page.url.href, 500)} is on another origin, ${url.origin}. ${advice}`,
        response,
      );
    // The other origin must not choose which URL of the first one is requested with its credentials.
    const target = new URL(response.url);
    if (leavesOrigin(page.url, target))
      throw new PaginationError(
        `${shorten(page.url.href, 500)} redirected to another origin, ${target.origin}, which names ${shorten(url.href, 500)} as the next page. ${advice}`,
        response,
      );
  }

  #exact({ request, response }: Page, url: URL): PageRequest {
    if (url.href.length > maxUrlLength)
      throw new PaginationError(
        `The next page of ${shorten(response.url, 500)} has a URL of ${url.href.length} characters, more than ${maxUrlLength}`,
        response,
      );
    if (this.#visited.has(keyOf(url)))
      throw new PaginationError(
        `The next page of ${shorten(response.url, 500)} is one that came before: ${shorten(url.href, 500)}`,
        response,
      );
    return { url, options: this.#withoutParams(request.options) };
  }

  /** The URL of a next page has its whole query. */
  #withoutParams({ params: _used, ...options }: RequestOptions): RequestOptions {
    if (this.#sessionParams === undefined) return options;
    const names = [...paramNames(this.#sessionParams)];
    return { ...options, params: Object.fromEntries(names.map((name) => [name, null])) };
  }
}

function keyOf({ href }: URL): string {
  return href.length <= maxKeyLength ? href : createHash("sha256").update(href).digest("base64");
}

/** Returns a URL or cursor of a page's JSON as text. Undefined if there is no further page. */
function asText({ response }: Page, value: unknown): string | undefined {
  if (value === undefined || value === null || value === false || value === "") return undefined;
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw new PaginationError(
    `The next page of ${shorten(response.url, 500)} must be a string, but is ${describeKind(value)}`,
    response,
  );
}
