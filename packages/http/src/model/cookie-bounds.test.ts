import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieJar } from "tough-cookie";
import type { RefusedCookie } from "./cookie-bounds.ts";
import { Cookies } from "./cookies.ts";
import { noBody } from "./body.ts";
import type { HttpRequest } from "./request.ts";
import { HttpResponse } from "./response.ts";

function requestTo(href: string): HttpRequest {
  return { method: "GET", url: new URL(href), headers: {}, body: noBody };
}

/** Stores the cookies of a response. Returns the refused ones. */
function set(cookies: Cookies, href: string, ...lines: readonly string[]): Promise<readonly RefusedCookie[]> {
  return cookies.store(
    new HttpResponse({
      status: 200,
      statusText: "",
      url: href,
      headers: { "set-cookie": lines },
      content: new Uint8Array(),
    }),
  );
}

function sentTo(cookies: Cookies, href: string): readonly string[] {
  return cookies.header(requestTo(href))?.split("; ") ?? [];
}

function many(count: number, line: (number: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, number) => line(number));
}

async function countOf(cookies: Cookies): Promise<number> {
  let count = 0;
  (await cookies.jar()).store.getAllCookies((_error, all) => (count = all?.length ?? 0));
  return count;
}

const shop = "https://www.shop.test/";
const evil = "https://evil.shop.test/";

test("a host that sets 6,000 cookies for its domain keeps 180, and no cookie of another host is lost", async () => {
  const cookies = new Cookies();
  await set(cookies, shop, "sid=mine; Path=/", ...many(20, (n) => `own${n}=1; Path=/; Domain=shop.test`));

  for (let response = 0; response < 40; response += 1)
    await set(cookies, evil, ...many(150, (n) => `e${response}-${n}=1; Domain=shop.test`));

  assert.equal(await countOf(cookies), 180);
  const sent = sentTo(cookies, shop);
  assert.ok(sent.includes("sid=mine"));
  assert.equal(sent.filter((pair) => pair.startsWith("own")).length, 20);
});

test("host-only cookies of a host are not removed for those that another host of its domain sets", async () => {
  const cookies = new Cookies();
  await set(cookies, shop, ...many(140, (n) => `own${n}=1; Path=/`));

  await set(cookies, evil, ...many(180, (n) => `a${n}=1; Domain=shop.test`));
  await set(cookies, evil, ...many(180, (n) => `b${n}=1; Path=/`));

  assert.equal(await countOf(cookies), 180);
  assert.equal(sentTo(cookies, shop).filter((pair) => pair.startsWith("own")).length, 140);
});

test("a host that has filled the bound of its domain cannot keep another host from setting a cookie", async () => {
  for (const attributes of ["", "; Domain=shop.test"]) {
    const cookies = new Cookies();
    await set(cookies, evil, ...many(180, (n) => `e${n}=1; Path=/${attributes}`));

    await set(cookies, shop, "sid=mine; Path=/", "second=1; Path=/");

    assert.equal(await countOf(cookies), 180);
    const sent = sentTo(cookies, shop);
    assert.ok(sent.includes("sid=mine") && sent.includes("second=1"));
  }
});

test("at the bound, expired cookies go first, then those without Secure, then those used least recently", async () => {
  const cookies = new Cookies();
  await set(
    cookies,
    shop,
    "old=1; Path=/old; Secure",
    "gone=1; Max-Age=-1",
    ...many(177, (n) => `c${n}=1; Path=/`),
    "plain=1; Path=/plain",
  );
  await set(cookies, shop, "new=1; Path=/");
  assert.equal(sentTo(cookies, `${shop}plain`).includes("plain=1"), true);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const used = sentTo(cookies, shop);
  assert.equal(used.length, 178);

  await set(cookies, shop, "newer=1; Path=/");

  assert.equal(await countOf(cookies), 180);
  assert.equal(sentTo(cookies, `${shop}plain`).includes("plain=1"), false);
  assert.ok(sentTo(cookies, `${shop}old`).includes("old=1"));
});

test("a jar keeps 3,000 cookies, and empty paths and domains leave nothing in its store", async () => {
  const jar = new CookieJar();
  const cookies = new Cookies(jar);
  for (let site = 0; site < 40; site += 1)
    await set(cookies, `https://s${site}.test/`, ...many(100, (n) => `c${n}=1; Path=/p${n}`));

  assert.ok((await countOf(cookies)) <= 3_000);
  await set(cookies, "https://x.test/", ...many(180, (n) => `c=1; Path=/a${n}`));
  for (let response = 0; response < 20; response += 1)
    await set(cookies, "https://x.test/", ...many(180, (n) => `c=1; Path=/${response}-${n}`));
  const stored: unknown = Reflect.get(jar.store, "idx");
  assert.equal(Object.keys(Object(Object(stored)["x.test"])).length, 180);
});

test("the caller's own jar keeps what the caller stored, however much", async () => {
  const jar = new CookieJar();
  for (let site = 0; site < 3_100; site += 1) jar.setCookieSync("a=1", `https://s${site}.test/`);
  const cookies = new Cookies(jar);

  await set(cookies, shop, "sid=mine");

  assert.ok((await countOf(cookies)) >= 2_700);
  assert.deepEqual(sentTo(cookies, shop), ["sid=mine"]);
});

test("a Cookie header has at most 8 KiB, with the cookies that the host set for itself before those of other hosts", async () => {
  const cookies = new Cookies();
  await set(cookies, evil, ...many(100, (n) => `evil${n}=${"x".repeat(1_000)}; Domain=shop.test; Path=/`));
  await set(cookies, shop, "sid=mine; Path=/", `own=${"y".repeat(3_000)}; Path=/; Domain=shop.test`);

  const header = cookies.header(requestTo(shop)) ?? "";

  assert.ok(header.length <= 8_192 && header.length > 7_000);
  assert.ok(header.includes("sid=mine") && header.includes("own=yyy"));
});

const tooLong: readonly (readonly [what: string, line: string, sent: string | undefined])[] = [
  ["a name and value of 4,096 bytes", `a=${"x".repeat(4_094)}`, `a=${"x".repeat(4_094)}`],
  ["a name and value of 4,098 bytes", `a=${"x".repeat(4_097)}`, undefined],
  ["a Path of 1,025 bytes, which is ignored", `a=1; Path=/${"x".repeat(1_030)}`, "a=1"],
  ["a long unknown attribute, which is ignored", `a=1; note=${"x".repeat(2_000)}; Path=/`, "a=1"],
];

for (const [what, line, sent] of tooLong) {
  test(`${sent === undefined ? "refuses" : "stores"} a cookie with ${what}`, async () => {
    const cookies = new Cookies();

    const refused = await set(cookies, shop, line);

    assert.equal(refused.length, sent === undefined ? 1 : 0);
    assert.equal(cookies.header(requestTo(shop)), sent);
  });
}

test("refuses a cookie without a Path whose URL has a path of more than 1,024 characters", async () => {
  const cookies = new Cookies();

  const refused = await set(cookies, `${shop}${"x".repeat(2_000)}/y`, "a=1", "b=1; Path=/");

  assert.deepEqual(
    refused.map(({ name }) => name),
    ["a"],
  );
});

test("drops 40,000 attributes, which the jar would keep", async () => {
  const cookies = new Cookies();

  await set(cookies, shop, `a=1${"; b".repeat(40_000)}; Path=/`);

  let kept = 0;
  (await cookies.jar()).store.getAllCookies((_error, all) => (kept = JSON.stringify(all).length));
  assert.ok(kept < 10_000);
});

const overHttp: readonly (readonly [line: string, host: string, isStored: boolean])[] = [
  ["sid=evil; Path=/", "shop.test", false],
  ["sid=; Path=/; Max-Age=0", "shop.test", false],
  ["sid=evil; Path=/; Secure", "shop.test", false],
  ["sid=evil; Path=/; Domain=shop.test", "www.shop.test", false],
  ["sid=evil; Path=/account/orders", "shop.test", false],
  ["sid=evil; Path=/", "other.test", true],
  ["other=1; Path=/", "shop.test", true],
];

for (const [line, host, isStored] of overHttp) {
  test(`a response of http://${host} ${isStored ? "sets" : "does not set"} ${line} next to a Secure cookie of https`, async () => {
    const cookies = new Cookies();
    await set(cookies, "https://shop.test/", "sid=good; Path=/; Secure; Domain=shop.test");

    const refused = await set(cookies, `http://${host}/`, line);

    assert.equal(refused.length, isStored ? 0 : 1);
    assert.deepEqual(
      sentTo(cookies, "https://shop.test/account/orders").filter((pair) => pair.startsWith("sid")),
      ["sid=good"],
    );
  });
}

const prefixes: readonly (readonly [line: string, href: string, isStored: boolean])[] = [
  ["__Host-a=1; Secure; Path=/", shop, true],
  ["__host-a=1; Path=/", shop, false],
  ["__HOST-a=1; Secure; Path=/; Domain=www.shop.test", shop, false],
  ["__Host-a=1; Secure", `${shop}a/b`, false],
  ["__Host-a=1; Secure; Path=/; Domain=localhost", "https://localhost/", false],
  ["__Secure-a=1; Secure", shop, true],
  ["__secure-a=1", shop, false],
  ["__Secure-a=1; Secure", "http://www.shop.test/", false],
  ["=__Secure-a=1; Secure", shop, false],
];

for (const [line, href, isStored] of prefixes) {
  test(`${href} ${isStored ? "sets" : "does not set"} ${line}`, async () => {
    assert.equal((await set(new Cookies(), href, line)).length, isStored ? 0 : 1);
  });
}

test("names of the prototype are cookies like any other", async () => {
  const cookies = new Cookies();

  await set(cookies, shop, "__proto__=1; Path=/", "constructor=2; Path=/", "hasOwnProperty=3; Path=/");

  assert.deepEqual(sentTo(cookies, shop), ["__proto__=1", "constructor=2", "hasOwnProperty=3"]);
});
