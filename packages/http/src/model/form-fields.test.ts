import assert from "node:assert/strict";
import { createReadStream, openAsBlob } from "node:fs";
import { test } from "node:test";
import { Session } from "../session/session.ts";
import { faultOrigin } from "../testing/origin/fault-origin.ts";
import { respond } from "../testing/replies/respond.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import type { FormFields } from "./form-fields.ts";

const url = "https://a.test/";

/** Reads a body as the web does. */
async function parse(request: { readonly body: Uint8Array; readonly headers: object }): Promise<FormData> {
  const type = new Headers(Object.entries(request.headers) as [string, string][]).get("content-type") ?? "";
  // oxlint-disable-next-line typescript/no-deprecated -- the form of a test is small
  return new Response(new Uint8Array(request.body), { headers: { "content-type": type } }).formData();
}

test("a form without files is sent URL-encoded, with lists repeated and empty values left out", async () => {
  await using origin = await faultOrigin({ routes: { "/": () => respond(200) } });
  await using session = new Session();
  const form: FormFields = { q: "a b&c=ü", page: 2, exact: true, tag: ["x", "y"], no: undefined, none: null };

  await session.post(origin.url, { form });
  await session.put(origin.url, { form: new URLSearchParams({ q: "1" }) });

  const [first, second] = origin.requests;
  assert.equal(String(first?.body), "q=a+b%26c%3D%C3%BC&page=2&exact=true&tag=x&tag=y");
  assert.equal(first?.headers["content-type"], "application/x-www-form-urlencoded;charset=UTF-8");
  assert.deepEqual([second?.method, String(second?.body)], ["PUT", "q=1"]);
});

test("a form with a file is sent as multipart/form-data, again for each attempt", async () => {
  const bodies: FormData[] = [];
  await using origin = await faultOrigin({
    routes: {
      "/": async (request) => {
        bodies.push(await parse(request));
        return respond(bodies.length === 1 ? 503 : 200);
      },
    },
  });
  await using session = new Session({ retry: { total: 1, backoffFactor: 0 } });
  const file = await openAsBlob(import.meta.filename);
  const form = {
    name: "Ada",
    photo: new File(["JPEG"], "ada.jpg", { type: "image/jpeg" }),
    source: [file, "last"],
  };

  const { status } = await session.put(origin.url, { form });

  assert.equal(status, 200);
  assert.equal(bodies.length, 2);
  for (const body of bodies) {
    const [photo, [source, last]] = [body.get("photo"), body.getAll("source")];
    assert.ok(photo instanceof File && source instanceof File);
    assert.deepEqual(
      [body.get("name"), photo.name, photo.type, await photo.text(), source.size, last],
      ["Ada", "ada.jpg", "image/jpeg", "JPEG", file.size, "last"],
    );
  }
});

test("form: new FormData() is sent as multipart/form-data", async () => {
  await using origin = await faultOrigin({ routes: { "/": () => respond(200) } });
  await using session = new Session();
  const form = new FormData();
  form.set("a", "1");

  await session.post(origin.url, { form });

  assert.match(origin.requests[0]?.headers["content-type"] ?? "", /^multipart\/form-data; boundary=/);
});

const wrong: readonly (readonly [options: object, message: RegExp])[] = [
  [{ form: "a=1" }, /^request\.form takes an object of fields, URLSearchParams or FormData, got "a=1"$/],
  [{ form: [["a", "1"]] }, /^request\.form takes an object of fields/],
  [{ form: { a: { b: 1 } } }, /^request\.form\.a takes a string, .*, got an object$/],
  [{ form: { a: NaN } }, /^request\.form\.a takes/],
  [{ form: { file: createReadStream(import.meta.filename) } }, /openAsBlob\(path\)/],
  [{ form: { a: 1 }, json: {} }, /^A request has one of form, json and body$/],
  [{ form: { a: 1 }, body: "x" }, /^A request has one of form, json and body$/],
];

for (const [options, message] of wrong) {
  test(`${String(message)} explains a wrong form`, async () => {
    const { session, adapter } = scripted([{}]);

    const error = await catchFailure(session.post(url, options));

    assert.ok(error instanceof TypeError);
    assert.match(error.message, message);
    assert.equal(adapter.requests.length, 0);
  });
}

test("the message about a wrong field does not quote it, because it may be a password", async () => {
  const { session } = scripted([{}]);
  const password = { reveal: "s3cret" };

  // @ts-expect-error -- an object is no value of a form
  const error = await catchFailure(session.post(url, { form: { password } }));

  assert.ok(error instanceof TypeError);
  assert.doesNotMatch(error.message, /s3cret/);
});

for (const [what, options, method] of [
  ["json", { json: {} }, "POST"],
  ["form", { form: { a: 1 } }, "POST"],
  ["body", { body: "x" }, "POST"],
  ["no body", { body: null }, "GET"],
  ["json and a method", { json: {}, method: "QUERY" }, "QUERY"],
] as const) {
  test(`paginate and events with ${what} and without another method send a ${method}`, async () => {
    const { session, adapter } = scripted([
      { headers: { "content-type": "application/json" }, body: "[]" },
      { status: 404 },
    ]);

    for await (const _item of session.paginate(url, options));
    await assert.rejects(session.events(url, options).next());

    assert.deepEqual(
      adapter.requests.map((request) => request.method),
      [method, method],
    );
  });
}
