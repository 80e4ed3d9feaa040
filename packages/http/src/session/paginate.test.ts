import assert from "node:assert/strict";
import { test } from "node:test";
import { StatusError } from "../model/response.ts";
import type { SessionOptions } from "../call/options.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { PaginationError } from "./errors.ts";
import type { PaginateOptions } from "./paginate.ts";

const url = "https://a.test/items?page=1";

function json(value: unknown, link?: string): ScriptedEntry {
  return { body: JSON.stringify(value), headers: link === undefined ? {} : { link } };
}

interface Paged {
  readonly items: readonly unknown[];
  readonly urls: readonly string[];
}

async function all(
  script: readonly ScriptedEntry[],
  options?: PaginateOptions<unknown>,
  session?: SessionOptions,
): Promise<Paged> {
  const made = scripted(script, session);
  const items = await Array.fromAsync(made.session.paginate(url, options));
  return { items, urls: made.adapter.requests.map((request) => request.url) };
}

test("follows the Link header, and returns the items of each page", async () => {
  const { items, urls } = await all([
    json([1, 2], "</items?page=2>; rel=next"),
    json([], "</items?page=3>; rel=next"),
    json([3], "</items?page=1>; rel=first"),
  ]);

  assert.deepEqual(items, [1, 2, 3]);
  assert.deepEqual(urls, [url, "https://a.test/items?page=2", "https://a.test/items?page=3"]);
});

test("requests a page only when the items before it are used up", async () => {
  const { session, adapter } = scripted([json([1, 2], "<?page=2>; rel=next"), json([3])]);
  const items = session.paginate(url);

  assert.equal(adapter.requests.length, 0);
  await items.next();
  await items.next();
  assert.equal(adapter.requests.length, 1);
  await items.next();
  assert.equal(adapter.requests.length, 2);
});

test("a failed page is retried", async () => {
  const { items } = await all([json([1], "<?page=2>; rel=next"), { status: 503 }, json([2])]);

  assert.deepEqual(items, [1, 2]);
});

test("a page that is not a success throws a StatusError, after the items before it", async () => {
  const { session } = scripted([json([1], "<?page=2>; rel=next"), { status: 404 }]);
  const items = session.paginate(url);

  assert.deepEqual(await items.next(), { done: false, value: 1 });
  await assert.rejects(items.next(), StatusError);
});

const nextOptions: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  options: PaginateOptions<unknown>,
  urls: readonly string[],
])[] = [
  [
    "a path of the JSON",
    [json({ data: [1], links: { next: "?page=2" } }), json({ data: [2], links: { next: null } })],
    { next: "links.next", items: "data" },
    [url, "https://a.test/items?page=2"],
  ],
  [
    "a cursor, with the query of the first page",
    [
      json({ data: [1], meta: { after: "x y" } }),
      json({ data: [2], meta: { after: 7 } }),
      json({ data: [] }),
    ],
    { next: { cursor: "meta.after", param: "after" }, items: "data", params: { limit: 2 } },
    [`${url}&limit=2`, `${url}&limit=2&after=x+y`, `${url}&limit=2&after=7`],
  ],
  [
    "a function that returns a URL",
    [json([1]), json([])],
    { next: async (page) => (await page.json<readonly unknown[]>()).length > 0 && "/items?page=2" },
    [url, "https://a.test/items?page=2"],
  ],
  [
    "a function that returns parameters",
    [json([1]), json([])],
    {
      params: { offset: 0 },
      next: async (page) => (await page.json<readonly unknown[]>()).length > 0 && { params: { offset: 1 } },
    },
    [`${url}&offset=0`, `${url}&offset=1`],
  ],
];

for (const [what, script, options, urls] of nextOptions) {
  test(`finds the next page by ${what}`, async () => {
    assert.deepEqual((await all(script, options)).urls, urls);
  });
}

test("a function may change the body of the next request", async () => {
  const { session, adapter } = scripted([json({ items: [1], next: "b" }), json({ items: [2] })]);

  const items = await Array.fromAsync(
    session.paginate<number>(url, {
      method: "POST",
      json: { from: "a" },
      items: "items",
      next: async (page) => {
        const { next } = await page.json<{ readonly next?: string }>();
        return next !== undefined && { json: { from: next } };
      },
    }),
  );

  assert.deepEqual(items, [1, 2]);
  assert.deepEqual(
    adapter.requests.map(({ body }) => body),
    ['{"from":"a"}', '{"from":"b"}'],
  );
});

test("sends the session's parameters once", async () => {
  const { urls } = await all(
    [json([1], "</items?page=2&lang=en>; rel=next"), json([2])],
    { params: { q: "x" } },
    { params: { lang: "en" } },
  );

  assert.deepEqual(urls, [`${url}&q=x&lang=en`, "https://a.test/items?page=2&lang=en"]);
});

test("stops at the item of stopWhen, and after maxPages", async () => {
  const pages = [json([1, 2], "<?page=2>; rel=next"), json([3, 4], "<?page=3>; rel=next"), json([5])];

  assert.deepEqual((await all(pages, { stopWhen: (item) => item === 4 })).items, [1, 2, 3]);
  const two = await all(pages, { maxPages: 2 });
  assert.deepEqual([two.items, two.urls.length], [[1, 2, 3, 4], 2]);
});

test("gives whole pages, and no items for a 204", async () => {
  const { items } = await all([json({ a: 1 })], { items: (page) => [page.status] });

  assert.deepEqual(items, [200]);
  assert.deepEqual((await all([{ status: 204 }])).items, []);
  assert.deepEqual((await all([{ status: 204 }], { items: "data", next: "next" })).items, []);
});

const refused: readonly (readonly [
  what: string,
  script: readonly ScriptedEntry[],
  options: PaginateOptions<unknown>,
  message: RegExp,
])[] = [
  [
    "a page without a list",
    [json({ results: [1] })],
    {},
    /must be a list of items, but is an object.*items: "results"/,
  ],
  [
    "a path without a list",
    [json({ results: [1] })],
    { items: "data" },
    /"data" of the JSON .* is undefined.*"results"/,
  ],
  ["a name of the prototype", [json({})], { items: "constructor" }, /is undefined/],
  [
    "a next page on another origin",
    [json([1], "<https://evil.test/>; rel=next")],
    {},
    /another origin, https:\/\/evil\.test/,
  ],
  [
    "a next page on the first origin that the target of a redirect names",
    [
      { status: 302, headers: { location: "https://other.test/items" } },
      json([1], "<https://a.test/transfer?to=me>; rel=next"),
    ],
    {},
    /redirected to another origin, https:\/\/other\.test, which names https:\/\/a\.test\/transfer/,
  ],
  [
    "a next page that came before",
    [json([1], "<?page=2>; rel=next"), json([2], "<?page=1>; rel=next")],
    {},
    /came before/,
  ],
  [
    "a cursor that stays the same",
    [json({ d: [1], c: "x" })],
    { items: "d", next: { cursor: "c", param: "c" } },
    /came before/,
  ],
  [
    "a next page that is an object",
    [json({ d: [], n: {} })],
    { items: "d", next: "n" },
    /must be a string, but is an object/,
  ],
  [
    "a next page that is no URL",
    [json({ d: [], n: "https://[" })],
    { items: "d", next: "n" },
    /is not a URL/,
  ],
];

for (const [what, script, options, message] of refused) {
  test(`refuses ${what}`, async () => {
    const error = await catchFailure(all(script, options));

    assert.ok(error instanceof PaginationError);
    assert.match(error.message, message);
    assert.equal(error.response.status, 200);
  });
}

test("keeps the upgrade from http to https, and follows redirects", async () => {
  const { session, adapter } = scripted([
    { status: 301, headers: { location: "https://a.test/items" } },
    json([1], "</items?page=2>; rel=next"),
    json([2]),
  ]);

  assert.deepEqual(await Array.fromAsync(session.paginate("http://a.test/items")), [1, 2]);
  assert.equal(adapter.requests.at(-1)?.url, "https://a.test/items?page=2");
});

test("refuses a next page with a URL of more than 65,536 characters, in a short message", async () => {
  const next = `/items?${"c".repeat(65_536)}`;
  const { session, adapter } = scripted([json({ data: [1], next })]);
  const pages = session.paginate(url, { items: "data", next: "next" });
  const error = await catchFailure(Array.fromAsync(pages));
  assert.equal(error.name, PaginationError.name);
  assert.match(error.message, /has a URL of 65\d{3} characters, more than 65536/);
  assert.equal(adapter.requests.length, 1);
});

test("recognises a circle of long URLs", async () => {
  const next = `https://a.test/items?${"c".repeat(5_000)}`;
  const error = await catchFailure(
    all([json({ data: [1], next }), json({ data: [2], next })], { items: "data", next: "next" }),
  );
  assert.match(error.message, /is one that came before/);
  assert.ok(error.message.length < 5_000);
});

test("refuses a wrong option before the first request", () => {
  const { session } = scripted([{}]);

  assert.throws(
    () => session.paginate(url, { maxPages: 0 }),
    /paginate\.maxPages takes a whole number of pages, 1 or more, got 0/,
  );
  // @ts-expect-error -- an option of another library
  assert.throws(() => session.paginate(url, { requestLimit: 5 }), /did you mean maxPages\?/);
});
