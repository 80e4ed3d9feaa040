import assert from "node:assert/strict";
import { test } from "node:test";
import { scripted } from "../testing/scripted/scripted-session.ts";
import { formatCookiesTxt, parseCookiesTxt } from "./cookies-txt.ts";

const later = 4_000_000_000;
const file = `# Netscape HTTP Cookie File

.shop.test\tTRUE\t/\tTRUE\t${later}\tsid\tabc=1
#HttpOnly_www.shop.test\tFALSE\t/cart\tFALSE\t0\tcart\t7
shop.test\tFALSE\t/\tFALSE\t1000\told\tx
localhost\tFALSE\t/\tFALSE\t0\tempty\t
`;

async function sentTo(url: string, text: string): Promise<unknown> {
  const { session, adapter } = scripted([{}], { cookies: await parseCookiesTxt(text) });
  await session.get(url);
  return adapter.requests[0]?.headers["cookie"];
}

for (const [what, url, cookie] of [
  ["a cookie of the domain to a subdomain over https", "https://a.shop.test/", "sid=abc=1"],
  ["no secure cookie over http", "http://a.shop.test/", undefined],
  ["the cookie of a host and path", "http://www.shop.test/cart/1", "cart=7"],
  ["no cookie of a host to its subdomain", "http://x.www.shop.test/cart", undefined],
  ["an empty value", "http://localhost/", "empty="],
] as const) {
  test(`a session sends ${what}`, async () => {
    assert.equal(await sentTo(url, file), cookie);
  });
}

test("reads CRLF, a byte order mark and decimals of seconds", async () => {
  assert.equal(
    await sentTo("http://a.test/", `\uFEFF# x\r\na.test\tfalse\t/\tfalse\t${later}.5\tn\tv\r\n`),
    "n=v",
  );
});

test("writes what it reads, without expired cookies", async () => {
  const written = formatCookiesTxt(await parseCookiesTxt(file));

  assert.equal(
    written,
    `# Netscape HTTP Cookie File
.shop.test\tTRUE\t/\tTRUE\t${later}\tsid\tabc=1
#HttpOnly_www.shop.test\tFALSE\t/cart\tFALSE\t0\tcart\t7
localhost\tFALSE\t/\tFALSE\t0\tempty\t
`,
  );
});

test("writes the cookies that a session has received", async () => {
  const { session } = scripted([
    { headers: { "set-cookie": ["a=1; Path=/; HttpOnly", "b=2; Domain=shop.test; Secure"] } },
  ]);
  await session.get("https://www.shop.test/");
  const jar = await session.cookies?.jar();
  assert.ok(jar !== undefined);

  assert.equal(
    formatCookiesTxt(jar),
    "# Netscape HTTP Cookie File\n#HttpOnly_www.shop.test\tFALSE\t/\tFALSE\t0\ta\t1\n.shop.test\tTRUE\t/\tTRUE\t0\tb\t2\n",
  );
});

for (const line of [
  "a.test FALSE / FALSE 0 n v",
  "a.test\tFALSE\t/\tFALSE\tsoon\tn\tv",
  "a.test\tYES\t/\tFALSE\t0\tn\tv",
]) {
  test(`refuses the line ${JSON.stringify(line)} with its number, and does not quote it`, async () => {
    await assert.rejects(parseCookiesTxt(`# x\n${line}`), (error: Error) => {
      assert.match(error.message, /^Line 2 of cookies\.txt is not a cookie/);
      return !error.message.includes("a.test");
    });
  });
}

test("sends the bytes of UTF-8, as browsers do, and writes them as text again", async () => {
  const text = "a.test\tFALSE\t/\tFALSE\t0\tnäme\té💩";

  const cookie = String(await sentTo("http://a.test/", text));

  assert.equal(Buffer.from(cookie, "latin1").toString(), "näme=é💩");
  assert.match(formatCookiesTxt(await parseCookiesTxt(text)), /\tnäme\té💩\n/);
});

for (const value of ["a\u0001", "a\rSet-Cookie: b=1", "\u0000", "\u007f"])
  test(`refuses the control character of ${JSON.stringify(value)}, which would fail every request`, async () => {
    const text = `# x\na.test\tFALSE\t/\tFALSE\t0\tsid\t${value}`;

    await assert.rejects(parseCookiesTxt(text), /^TypeError: Line 2 of cookies.txt has a control character/);
  });
