import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import { mergeParams, parseUrl, requestTarget, type Params } from "./request.ts";

const withParams: readonly (readonly [url: string, params: Params | undefined, result: string])[] = [
  ["https://a.test/x", undefined, "https://a.test/x"],
  ["https://a.test/x", {}, "https://a.test/x"],
  ["https://a.test/x", { q: "a b&c" }, "https://a.test/x?q=a+b%26c"],
  ["https://a.test/x?p=1", { q: 2 }, "https://a.test/x?p=1&q=2"],
  ["https://a.test/x?p=1", { p: 2 }, "https://a.test/x?p=1&p=2"],
  ["https://a.test/x?", { q: 2 }, "https://a.test/x?q=2"],
  ["https://a.test/x?flag&s=a%20b", { q: true }, "https://a.test/x?flag&s=a%20b&q=true"],
  ["https://a.test/x#there", { q: 1 }, "https://a.test/x?q=1#there"],
  [
    "https://a.test/x",
    { tag: ["a", "b"], none: undefined, nil: null, empty: "" },
    "https://a.test/x?tag=a&tag=b&empty=",
  ],
  ["https://a.test/x", { ü: "ö" }, "https://a.test/x?%C3%BC=%C3%B6"],
  [
    "https://a.test/x",
    new URLSearchParams([
      ["a", "1"],
      ["a", "2"],
    ]),
    "https://a.test/x?a=1&a=2",
  ],
];

for (const [url, params, result] of withParams) {
  test(`${url} with ${params instanceof URLSearchParams ? String(params) : JSON.stringify(params)} is ${result}`, () => {
    assert.equal(parseUrl(url, params).href, result);
  });
}

const targets: readonly (readonly [url: string, target: string])[] = [
  ["https://a.test", "/"],
  ["https://a.test?", "/?"],
  ["https://a.test/here?", "/here?"],
  ["https://a.test/here?#there", "/here?"],
  ["https://a.test/here#there?", "/here"],
  ["https://a.test/here#?#?", "/here"],
  ["https://a.test/here??", "/here??"],
  ["https://a.test//a//b/?q=%7e%7E&r=/?", "//a//b/?q=%7e%7E&r=/?"],
];

for (const [url, target] of targets) {
  test(`the request target of ${url} is ${target}`, () => {
    assert.equal(requestTarget(parseUrl(url)), target);
    assert.equal(requestTarget(parseUrl(new URL(url), {})), target);
  });
}

const refused: readonly string[] = [
  "",
  "/users",
  "a.test",
  "ftp://a.test/",
  "file:///etc/passwd",
  "http://",
  "http://a b/",
];

for (const input of refused) {
  test(`${JSON.stringify(input)} is rejected as a URL`, () => {
    assert.throws(() => parseUrl(input), InvalidUrlError);
  });
}

for (const input of [
  "http://ann:s3cret@:x/",
  "ftp://ann:s3cret@a.test/",
  "/path?token=s3cret",
  "http://a.test:80:s3cret/",
  "http://s3cret:pass word@a.test:x/",
  "https:ann:s3cret@a.test:x/",
  "http:\\\\a.test:s3cret\\x",
  "ann:s3cret@a.test/",
  "http://[::1:s3cret/",
]) {
  test(`the error for ${input} has no credentials`, () => {
    assert.throws(
      () => parseUrl(input),
      (error: Error) => !error.message.includes("s3cret") && error.cause === undefined,
    );
  });
}

for (const input of ["http://a.test:99999/x", "localhost:3000/x", "a b"]) {
  test(`the error for ${input} quotes it`, () => {
    assert.throws(
      () => parseUrl(input),
      (error: Error) => error.message.includes(JSON.stringify(input)),
    );
  });
}

for (const [input, hint] of [
  ["api.example.com/x", 'did you mean "https://api.example.com/x"?'],
  ["localhost:3000/x", 'did you mean "https://localhost:3000/x"?'],
  ["127.0.0.1:8080", 'did you mean "https://127.0.0.1:8080"?'],
  ["/users", "a relative URL needs the option baseUrl of the session"],
  ["users?page=1", "a relative URL needs the option baseUrl of the session"],
  ["", "a relative URL needs the option baseUrl of the session"],
] as const) {
  test(`the error for ${JSON.stringify(input)} says: ${hint}`, () => {
    assert.throws(
      () => parseUrl(input),
      (error: Error) => error.message.endsWith(`: ${hint}`),
    );
  });
}

test("parseUrl does not change the caller's URL", () => {
  const own = new URL("https://a.test/x");

  parseUrl(own, { q: 1 });

  assert.equal(own.href, "https://a.test/x");
});

const joins: readonly (readonly [under: Params | undefined, over: Params | undefined, joined: string])[] = [
  [undefined, undefined, ""],
  [{ a: 1 }, undefined, "a=1"],
  [undefined, { a: 1 }, "a=1"],
  [{ a: 1, b: 2 }, { a: 3 }, "a=3&b=2"],
  [{ a: [1, 2] }, { b: 3 }, "b=3&a=1&a=2"],
  [{ a: 1 }, { a: undefined }, "a=1"],
  [{ a: 1, b: 2 }, { a: null }, "b=2"],
];

for (const [under, over, joined] of joins) {
  test(`params ${JSON.stringify(over)} over ${JSON.stringify(under)} are ${joined || "none"}`, () => {
    assert.equal(
      parseUrl("https://a.test/", mergeParams(under, over)).search,
      joined === "" ? "" : `?${joined}`,
    );
  });
}
