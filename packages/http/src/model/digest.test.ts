import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ResponseHeaders } from "./headers.ts";
import { parseDigestHeaders, parseDigest } from "./digest.ts";

const sum = createHash("sha256").update("x");
const hex = sum.copy().digest("hex");
const base64 = sum.copy().digest("base64");
const long = createHash("sha512").update("x");
const md5 = createHash("md5").update("x");
const sha256 = { algorithm: "sha-256", hex };
const sha512 = { algorithm: "sha-512", hex: long.copy().digest("hex") };

test("parses a digest in hexadecimal and in base64", () => {
  for (const text of [
    `sha-256=${hex}`,
    `sha-256=${base64}`,
    `sha-256=:${base64}:`,
    ` SHA-256=${hex.toUpperCase()} `,
    `sha256=${hex}`,
    `SHA256=${base64}`,
  ])
    assert.deepEqual(parseDigest(text), sha256, text);
  assert.deepEqual(parseDigest(`sha-512=${sha512.hex}`), sha512);
});

test("rejects any other text, and the message shows the form", () => {
  for (const text of [
    "",
    hex,
    `md5=${md5.copy().digest("hex")}`,
    "sha-256=",
    `sha-256=${hex.slice(1)}`,
    `sha-512=${hex}`,
  ])
    assert.throws(() => parseDigest(text), /TypeError.*sha-256=/, text);
});

test("returns the digests of a response that can be checked and apply to the whole file", () => {
  const [whole, part] = [200, 206];
  const table: readonly (readonly [Readonly<Record<string, string>>, number, readonly unknown[]])[] = [
    [{}, whole, []],
    [{ "repr-digest": `sha-256=:${base64}:` }, whole, [sha256]],
    [{ "repr-digest": `sha-256=:${base64}:` }, part, [sha256]],
    [{ "content-digest": `sha-256=:${base64}:` }, whole, [sha256]],
    [{ "content-digest": `sha-256=:${base64}:` }, part, []],
    [
      { "content-md5": md5.copy().digest("base64") },
      whole,
      [{ algorithm: "md5", hex: md5.copy().digest("hex") }],
    ],
    [{ "content-md5": md5.copy().digest("base64") }, part, []],
    [
      { "repr-digest": `unixsum=:AAAA:, sha-256=:${base64}:,sha-512=:${long.copy().digest("base64")}:` },
      whole,
      [sha256, sha512],
    ],
    [{ "repr-digest": `sha-256=${base64}` }, whole, []],
    [{ "repr-digest": "sha-256=:AAAA:" }, whole, []],
    [{ "repr-digest": "md5=:AAAAAAAAAAAAAAAAAAAAAA==:" }, whole, []],
    [{ "content-md5": "nonsense" }, whole, []],
  ];
  for (const [headers, status, expected] of table)
    assert.deepEqual(
      parseDigestHeaders(new ResponseHeaders(headers), status),
      expected,
      JSON.stringify(headers),
    );
});
