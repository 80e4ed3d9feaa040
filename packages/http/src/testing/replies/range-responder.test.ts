import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rendition, Routes, Version } from "../index.ts";
import { cut, faultOrigin, ranged } from "../index.ts";
import { render } from "./range-responder.ts";

const date = "Sun, 06 Nov 1994 08:49:37 GMT";
const later = "Mon, 07 Nov 1994 08:49:37 GMT";
const strong: Version = { body: "0123456789", etag: '"v1"', lastModified: date };
const weak: Version = { body: "0123456789", etag: 'W/"v1"' };

type Row = readonly [
  headers: Record<string, string>,
  version: Version,
  status: number,
  body: string,
  contentRange?: string,
];
const table: readonly Row[] = [
  [{}, strong, 200, "0123456789"],
  [{ range: "bytes=4-" }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-6" }, strong, 206, "456", "bytes 4-6/10"],
  [{ range: "bytes=4-600" }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=-3" }, strong, 206, "789", "bytes 7-9/10"],
  [{ range: "bytes=-30" }, strong, 206, "0123456789", "bytes 0-9/10"],
  [{ range: "bytes=0-0" }, strong, 206, "0", "bytes 0-0/10"],
  [{ range: "bytes=10-" }, strong, 416, "", "bytes */10"],
  [{ range: "bytes=-0" }, strong, 416, "", "bytes */10"],
  [{ range: "bytes=6-4" }, strong, 200, "0123456789"],
  [{ range: "bytes=-" }, strong, 200, "0123456789"],
  [{ range: "bytes=1-2,4-5" }, strong, 200, "0123456789"],
  [{ range: "lines=1-2" }, strong, 200, "0123456789"],
  [{ range: "bytes=4-", "if-range": '"v1"' }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-range": '"v2"' }, strong, 200, "0123456789"],
  [{ range: "bytes=4-", "if-range": date }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-range": later }, strong, 200, "0123456789"],
  [{ range: "bytes=4-", "if-range": 'W/"v1"' }, weak, 200, "0123456789"],
  [{ range: "bytes=4-", "if-match": '"v1"' }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-match": '"v0", "v1"' }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-match": '"v2"' }, strong, 412, ""],
  [{ range: "bytes=4-", "if-match": 'W/"v1"' }, weak, 412, ""],
  [{ range: "bytes=4-", "if-match": "*" }, weak, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-unmodified-since": date }, strong, 206, "456789", "bytes 4-9/10"],
  [{ range: "bytes=4-", "if-unmodified-since": date }, { ...strong, lastModified: later }, 412, ""],
];

for (const [headers, version, status, body, contentRange] of table) {
  test(`${JSON.stringify(headers)} of ${version.etag} gets ${status} ${contentRange ?? ""}`, () => {
    const rendition = render(version, headers, false);

    assert.equal(rendition.status, status);
    assert.equal(Buffer.from(rendition.body).toString(), body);
    assert.equal(
      new Map(rendition.headers.map(([name, value]) => [name, value])).get("content-range"),
      contentRange,
    );
  });
}

test("ignores a range on request", () => {
  assert.equal(render(strong, { range: "bytes=4-" }, true).status, 200);
});

test("changes versions with the attempts, forges a 206, and cuts a reply", async (t) => {
  const forge = (rendition: Rendition): Rendition => ({ ...rendition, body: Buffer.from("??") });
  const serve = ranged([strong, { body: "abcdefghij", etag: '"v2"' }]);
  const routes: Routes = {
    "/changing": serve,
    "/forged": ranged(strong, { forge }),
    "/cut": [(request) => cut(serve(request), { atBody: 5 }), serve],
  };
  const origin = await faultOrigin({ routes });
  t.after(() => origin.close());
  const from4 = { headers: { range: "bytes=4-" } };

  const bodies: string[] = [];
  for (const path of ["/changing", "/changing", "/forged"])
    bodies.push(await (await fetch(origin.url + path, from4)).text());
  const broken = await fetch(`${origin.url}/cut`).then((response) =>
    response.text().catch((error: unknown) => error),
  );

  await origin.close();
  assert.deepEqual(bodies, ["456789", "efghij", "??"]);
  assert.ok(broken instanceof Error);
});
