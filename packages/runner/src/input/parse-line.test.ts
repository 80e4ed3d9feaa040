import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseLine } from "./parse-line.ts";

describe("parseLine", () => {
  for (const text of ["", "   ", "\t", "# a comment", "  # https://example.com/", "// a comment"]) {
    it(`ignores ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseLine(text), { kind: "ignored" });
    });
  }

  const urls: readonly (readonly [string, string])[] = [
    ["https://example.com", "https://example.com/"],
    ["  http://example.com/a  ", "http://example.com/a"],
    ["HTTPS://EXAMPLE.com:443/A?b#c", "https://example.com/A?b"],
    ["http://localhost:8080/", "http://localhost:8080/"],
    ["http://user:pass@example.com/", "http://user:pass@example.com/"],
    ["https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"],
    ["http://[::1]:3000/", "http://[::1]:3000/"],
    ["http://a/my file.txt", "http://a/my%20file.txt"],
    ["http://a/b   # the good one", "http://a/b"],
    ["http://a/b // the good one", "http://a/b"],
    ["http://a//b", "http://a//b"],
  ];
  for (const [text, url] of urls) {
    it(`accepts ${text}`, () => {
      assert.deepEqual(parseLine(text), { kind: "job", method: "GET", url });
    });
  }

  const invalid: readonly (readonly [string, RegExp])[] = [
    ["example.com/a", /no http:\/\/ or https:\/\/ in front/],
    ["example.com:8080/a", /no http:\/\/ or https:\/\/ in front/],
    ["localhost:8080/a", /no http:\/\/ or https:\/\/ in front/],
    ["/a", /no http:\/\/ or https:\/\/ in front/],
    ["ftp://example.com/", /only http and https/],
    ["unix:/var/run/docker.sock:/containers", /only http and https/],
    ["unix:///var/run/docker.sock", /only http and https/],
    ["mailto:a@example.com", /only http and https/],
    ["javascript:alert(1)", /only http and https/],
    ["http:example.com", /no \/\/ after the scheme/],
    ["http://", /not a URL/],
    ["http://a b/", /not a URL/],
    ["http://a/b\thttp://c/", /two URLs/],
    ["http://a/b http://c/", /two URLs/],
    ["http://a/b\tc", /cannot contain a tab/],
    ["http://example.com:99999/", /not a URL/],
    [`http://example.com/${"x".repeat(70_000)}`, /longer than/],
  ];
  for (const [text, reason] of invalid) {
    it(`names the problem of ${text.slice(0, 40)}`, () => {
      const parsed = parseLine(text);

      assert.equal(parsed.kind, "invalid");
      assert.match(parsed.kind === "invalid" ? parsed.reason : "", reason);
      assert.match(parsed.kind === "invalid" ? parsed.reason : "", /^bad-input: /);
    });
  }

  it("never throws, and returns only http and https URLs that parse to themselves", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.string().map((text) => `http://${text}`),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseLine(text);

        if (parsed.kind !== "job") return;
        assert.match(parsed.url, /^https?:\/\/[^/]/);
        assert.deepEqual(parseLine(parsed.url), parsed);
      }),
    );
  });
});
