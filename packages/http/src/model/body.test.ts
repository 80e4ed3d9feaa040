import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { toBody, jsonBody, openBody, type Body, type BodyInit } from "./body.ts";

const bytes = new TextEncoder().encode("abc");
const form = new FormData();
form.append("name", "Ann");

const kinds: readonly (readonly [
  what: string,
  init: () => BodyInit | undefined,
  kind: Body["kind"],
  contentType: RegExp | undefined,
  content: RegExp,
])[] = [
  ["undefined", () => undefined, "none", undefined, /^$/],
  ["a string", () => "abc", "bytes", undefined, /^abc$/],
  ["an empty string", () => "", "bytes", undefined, /^$/],
  ["bytes", () => bytes, "bytes", undefined, /^abc$/],
  ["a view of a part of a buffer", () => bytes.subarray(1, 2), "bytes", undefined, /^b$/],
  ["a DataView", () => new DataView(bytes.buffer, 2), "bytes", undefined, /^c$/],
  ["an ArrayBuffer", () => bytes.buffer, "bytes", undefined, /^abc$/],
  [
    "a form as URLSearchParams",
    () => new URLSearchParams({ a: "b c" }),
    "bytes",
    /^application\/x-www-form-urlencoded;charset=UTF-8$/,
    /^a=b\+c$/,
  ],
  [
    "a form as FormData",
    () => form,
    "factory",
    /^multipart\/form-data; boundary=/,
    /name="name"\r\n\r\nAnn\r\n/,
  ],
  ["a blob", () => new Blob(["abc"], { type: "image/png" }), "factory", /^image\/png$/, /^abc$/],
  ["a blob without a type", () => new Blob(["abc"]), "factory", undefined, /^abc$/],
  ["a function that creates a stream", () => () => Readable.from(["a", "bc"]), "factory", undefined, /^abc$/],
  ["a Node stream", () => Readable.from(["abc"]), "one-shot", undefined, /^abc$/],
  ["a web stream", () => new Blob(["abc"]).stream(), "one-shot", undefined, /^abc$/],
  ["an async generator", () => generator(), "one-shot", undefined, /^abc$/],
];

async function* generator(): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function contentOf(body: Body): Promise<string> {
  const opened = openBody(body);
  if (opened === null) return "";
  return typeof opened === "string"
    ? opened
    : opened instanceof Uint8Array
      ? new TextDecoder().decode(opened)
      : text(opened);
}

for (const [what, init, kind, contentType, content] of kinds) {
  test(`${what} is a body of kind ${kind}`, async () => {
    const body = toBody(init());

    const type = "contentType" in body ? body.contentType : undefined;
    assert.equal(body.kind, kind);
    if (contentType === undefined) assert.equal(type, undefined);
    else assert.match(String(type), contentType);
    assert.match(await contentOf(body), content);
  });

  if (kind !== "one-shot") {
    test(`${what} is the same on every attempt`, async () => {
      const body = toBody(init());

      assert.equal(await contentOf(body), await contentOf(body));
    });
  }
}

test("a blob body has a length", async () => {
  const body = toBody(new Blob(["abc"]));

  assert.equal("length" in body && body.length, 3);
});

for (const [what, wrong] of [
  ["1", 1],
  ["true", true],
  ["an object", {}],
  ["null", null],
  ["a symbol", Symbol("x")],
] as const) {
  test(`${what} is rejected as a body`, () => {
    assert.throws(() => toBody(wrong), {
      name: "TypeError",
      message: /^body must be/,
    });
  });
}

test("a JSON body has a Content-Type", () => {
  assert.deepEqual(jsonBody({ a: ["ü"] }), {
    kind: "bytes",
    bytes: '{"a":["ü"]}',
    contentType: "application/json",
  });
});

for (const wrong of [undefined, () => 1, Symbol("x")]) {
  test(`${typeof wrong} is rejected as JSON`, () => {
    assert.throws(() => jsonBody(wrong), {
      name: "TypeError",
      message: /^json must be a value that JSON can represent, got /,
    });
  });
}
