import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { formBody, isFormType, withBoundary } from "./form-body.ts";

function formOf(...entries: readonly (readonly [string, string | Blob, string?])[]): FormData {
  const form = new FormData();
  for (const [name, value, file] of entries) {
    if (typeof value === "string") form.append(name, value);
    else form.append(name, value, file);
  }
  return form;
}

function boundaryOf(contentType: string): string {
  return /boundary=(.+)$/.exec(contentType)?.[1] ?? assert.fail(contentType);
}

const forms: readonly (readonly [what: string, form: FormData])[] = [
  ["no fields", formOf()],
  ["fields", formOf(["a", "1"], ["a", "2"], ["ü", "€"])],
  ["line breaks and quotes", formOf(['a"\r\nb\n', "x\ny\rz\r\n"])],
  ["a file", formOf(["file", new Blob(["abc"], { type: "image/png" }), "ä.png"])],
  ["a file without a type", formOf(["file", new Blob(["abc"]), 'quote".bin'])],
  ["an empty file", formOf(["file", new Blob([]), "empty"])],
  ["a large file between fields", formOf(["a", "1"], ["b", new Blob(["x".repeat(200_000)])], ["c", "3"])],
];

for (const [what, form] of forms) {
  test(`encodes ${what} as the platform does, with its length, the same on every attempt`, async () => {
    const body = formBody(form);
    const platform = new Response(form);
    const sent = await text(body.make());

    const boundary = boundaryOf(platform.headers.get("content-type") ?? "");
    const expected = (await platform.text()).replaceAll(boundary, boundaryOf(body.contentType));
    assert.equal(sent, expected);
    assert.equal(body.length, Buffer.byteLength(sent));
    assert.equal(await text(body.make()), sent);
  });
}

test("two forms have different boundaries", () => {
  const [first, second] = [formBody(formOf()), formBody(formOf())];

  assert.notEqual(first.contentType, second.contentType);
  assert.ok(isFormType(first.contentType));
});

test("the stream of a form fails if its file has changed", async () => {
  const directory = await mkdtemp(join(tmpdir(), "form-"));
  try {
    const file = join(directory, "upload");
    await writeFile(file, "before");
    const body = formBody(formOf(["file", await openAsBlob(file)]));
    await writeFile(file, "afterwards");

    await assert.rejects(text(body.make()), { name: "NotReadableError" });
  } finally {
    await rm(directory, { recursive: true });
  }
});

const own = "multipart/form-data; boundary=own";
for (const [given, expected] of [
  ["multipart/form-data", own],
  ["multipart/form-data;", own],
  ["Multipart/Form-Data; charset=utf-8", "Multipart/Form-Data; charset=utf-8; boundary=own"],
  ["multipart/form-data; boundary=theirs", own],
  ['multipart/mixed; Boundary="theirs"; charset=utf-8', "multipart/mixed; charset=utf-8; boundary=own"],
] as const) {
  test(`gives ${given} the boundary of the form`, () => {
    assert.equal(withBoundary(given, own), expected);
  });
}

test("rejects a Content-Type that is not multipart for a form", () => {
  assert.throws(() => withBoundary("application/json", own), {
    name: "TypeError",
    message: /remove the header content-type, got "application\/json"$/,
  });
});
