import assert from "node:assert/strict";
import { test } from "node:test";
import { joinUrl, parseBaseUrl } from "./base-url.ts";

const joins: readonly (readonly [base: string, input: string, joined: string])[] = [
  ["https://a.test/api/v1", "users", "https://a.test/api/v1/users"],
  ["https://a.test/api/v1", "/users", "https://a.test/api/v1/users"],
  ["https://a.test/api/v1/", "users", "https://a.test/api/v1/users"],
  ["https://a.test/api/v1/", "/users", "https://a.test/api/v1/users"],
  ["https://a.test/api/v1", "?a=1", "https://a.test/api/v1?a=1"],
  ["https://a.test/api/v1/", "?a=1", "https://a.test/api/v1/?a=1"],
  ["https://a.test/api/v1", "", "https://a.test/api/v1"],
  ["https://a.test/api/v1", "#part", "https://a.test/api/v1#part"],
  ["https://a.test/api/v1", "/", "https://a.test/api/v1/"],
  ["https://a.test/api/v1", "users/?a=1#x", "https://a.test/api/v1/users/?a=1#x"],
  ["https://a.test", "users", "https://a.test/users"],
  ["https://a.test", "", "https://a.test/"],
  ["https://a.test", "?a=1", "https://a.test/?a=1"],
  ["https://a.test/v1?key=1", "users", "https://a.test/v1/users?key=1"],
  ["https://a.test/v1?key=1", "users?a=1", "https://a.test/v1/users?key=1&a=1"],
  ["https://a.test/v1?key=1", "", "https://a.test/v1?key=1"],
  ["https://a.test/v1#there", "users", "https://a.test/v1/users"],
  ["https://ada:pw@a.test/v1", "users", "https://ada:pw@a.test/v1/users"],
  ["https://a.test/v1", "http://b.test/x", "http://b.test/x"],
  ["https://a.test/v1", "HTTPS://b.test", "https://b.test/"],
  ["https://a.test/v1", "unix:/run/x.sock:/y", "unix:/run/x.sock:/y"],
  ["https://a.test/v1", "documents:commit", "https://a.test/v1/documents:commit"],
  ["https://a.test/v1", "users/../items", "https://a.test/v1/items"],
  ["https://a.test/v1", "@b.test/x", "https://a.test/v1/@b.test/x"],
  ["https://a.test/v1", ":8080/x", "https://a.test/v1/:8080/x"],
  ["https://a.test/v1", "https:b.test", "https://a.test/v1/https:b.test"],
  ["https://a.test/v1", "/users//1", "https://a.test/v1/users//1"],
];

for (const [base, input, joined] of joins) {
  test(`${JSON.stringify(input)} at ${base} is ${joined}`, () => {
    assert.equal(new URL(joinUrl(parseBaseUrl(base), input)).href, joined);
  });
}

for (const input of [
  "//b.test/x",
  "\\\\b.test/x",
  "/\\b.test/x",
  " //b.test/x",
  "/\t/b.test/x",
  "\n//b.test",
  "//",
]) {
  test(`${JSON.stringify(input)} is rejected, because it names another host`, () => {
    assert.throws(
      () => joinUrl(parseBaseUrl("https://a.test/v1"), input),
      (error) =>
        error instanceof TypeError && error.message.startsWith("url must not begin with // in a session"),
    );
  });
}

test("a URL object is returned as it is", () => {
  const url = new URL("https://b.test/x");

  assert.equal(joinUrl(parseBaseUrl("https://a.test/v1"), url), url);
});
