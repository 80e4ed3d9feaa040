import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isFailure, Retry, StatusError } from "@holdfast/http";
import { chunked, respond, type Entry } from "@holdfast/http/testing";
import { body, first, good, strong } from "./broken-page.ts";
import { code, failureOf, holds, setting } from "./save-stage.ts";

const rest = { ...strong, "content-range": "bytes 80000-199999/200000" };
const once = { retry: new Retry({ total: 0 }) };

const lies: Readonly<Record<string, Entry>> = {
  "longer than its range": chunked(206, [body], { headers: rest }),
  "shorter than its range": chunked(206, [body.subarray(0, 90_000)], { headers: rest }),
};

for (const [name, lie] of Object.entries(lies)) {
  test(`a 206 without a length that is ${name} leads to a clean start in the same call`, async () => {
    await using at = await setting([first, lie, good]);

    const { resumedFrom, response } = await at.save();

    assert.equal(resumedFrom, 0);
    await holds(at);
    assert.deepEqual(
      at.origin.requests.map(({ headers }) => headers["range"]),
      [undefined, "bytes=80000-", undefined],
    );
    assert.equal(response.attempts.length, 3);
  });

  test(`a 206 that is ${name} leaves nothing for a later call`, async () => {
    await using at = await setting([first, lie, good]);
    await failureOf(at.save(once));

    const error = await failureOf(at.save(once));

    assert.equal(code(error), "ERR_INCOMPLETE_BODY");
    assert.equal(code(error.cause), "ERR_PROTOCOL");
    assert.deepEqual(await at.names(), []);
    assert.equal((await at.save(once)).resumedFrom, 0);
    await holds(at);
  });
}

const tail = body.subarray(80_000);
const tails: Readonly<Record<string, Entry>> = {
  "calls itself a part": respond(200, { headers: rest, body: tail }),
  "has another length under the same tag": respond(200, { headers: strong, body: tail }),
  "turns out to have another length under the same tag": chunked(200, [tail], { headers: strong }),
};

for (const [name, lie] of Object.entries(tails)) {
  test(`a 200 to a range request that ${name} is not saved as the whole body`, async () => {
    await using inFile = await setting([first, lie, good]);
    await inFile.save();
    await holds(inFile);

    await using inMemory = await setting([first, lie, good]);
    const { content } = await inMemory.session.get(`${inMemory.origin.url}/`);
    assert.ok(body.equals(content), `${content.length} bytes`);

    await using live = await setting([first, lie, good]);
    const stream = await live.session.get(`${live.origin.url}/`, { stream: true });
    assert.equal(code(await failureOf(stream.bytes())), "ERR_INCOMPLETE_BODY");
  });
}

test("an unrequested part is not saved as the whole body", async () => {
  const headers = { ...strong, "content-range": "bytes 0-9/200000" };
  const part = respond(206, { headers, body: body.subarray(0, 10) });
  await using at = await setting([part, good]);

  const error = await failureOf(at.save());

  assert.equal(code(error), "ERR_PROTOCOL");
  assert.match(error.message, /206 Partial Content for a request without Range/);
  assert.deepEqual(await at.names(), []);
});

test("a range that the caller requested is saved unchanged", async () => {
  await using at = await setting([good]);

  const { bytes } = await at.save({ headers: { range: "bytes=10-29" } });

  assert.equal(bytes, 20);
  assert.ok(body.subarray(10, 30).equals(await readFile(at.file)));
});

for (const status of [404, 503]) {
  test(`a ${status} to a range request is a StatusError with that response, and the part stays`, async () => {
    await using at = await setting([first, respond(status, { body: "gone" }), good]);

    const error = await failureOf(at.save({ retry: new Retry({ total: 1 }) }));

    assert.ok(error instanceof StatusError);
    assert.equal(error.response.status, status);
    assert.ok(isFailure(error));
    assert.deepEqual(
      error.attempts.map(({ status: seen, error: broke }) => seen ?? broke?.code),
      ["ERR_INCOMPLETE_BODY", status],
    );
    assert.deepEqual(error.response.attempts, error.attempts);
    assert.equal((await at.save()).resumedFrom, 80_000);
    await holds(at);
  });
}

test("a redirect to a range request is followed, and the file starts over", async () => {
  const away = respond(302, { headers: { location: "/other" } });
  await using at = await setting([first, away, away], { more: { "/other": [good] } });

  const { resumedFrom, response } = await at.save();

  assert.equal(resumedFrom, 0);
  assert.equal(response.url, `${at.origin.url}/other`);
  await holds(at);
});

test("a server that redirects every range request receives two requests", async () => {
  const away = respond(302, { headers: { location: "/" } });
  await using at = await setting([first, away, first, away]);

  const error = await failureOf(at.save());

  assert.ok(error instanceof StatusError);
  assert.equal(error.status, 302);
  assert.equal(at.origin.requests.length, 4);
});

test("the response to a HEAD has no body to save", async () => {
  await using at = await setting([good]);

  const error = await failureOf(at.save({ method: "HEAD" }));

  assert.ok(error instanceof TypeError);
  assert.match(error.message, /HEAD has none/);
  assert.equal(at.origin.requests.length, 0);
});

test("a missing folder is named before any request", async () => {
  await using at = await setting([good]);
  const folder = join(at.folder, "no", "such");

  const error = await failureOf(at.session.download(`${at.origin.url}/`, join(folder, "file.bin")));

  assert.ok(error instanceof TypeError);
  assert.equal(
    error.message,
    `Cannot save file.bin in ${folder}: the folder does not exist; create it first`,
  );
  assert.equal(at.origin.requests.length, 0);
});
