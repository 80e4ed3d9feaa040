import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, statSync, unlinkSync } from "node:fs";
import { lstat, mkdir, readdir, readFile, realpath, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import type { DownloadOptions, DownloadProgress } from "@holdfast/http";
import {
  chunked,
  cut,
  ranged,
  respond,
  stall,
  type Reply,
  type Entry,
  type Rendition,
} from "@holdfast/http/testing";
import { waitUntil } from "../support/holdfast.ts";
import { body, changed, cutAt, first, good, strong } from "./broken-page.ts";
import { code, failureOf, holds, setting } from "./save-stage.ts";

const sha256 = createHash("sha256").update(body);
const hex = sha256.copy().digest("hex");
const base64 = sha256.copy().digest("base64");
const once = { retry: { total: 0 } };

test("download saves a complete body in one request, and leaves no other file", async () => {
  await using at = await setting([good]);
  const progress: DownloadProgress[] = [];

  const saved = await at.save({ onProgress: (now) => void progress.push(now) });

  assert.deepEqual([saved.path, saved.bytes, saved.resumedFrom], [at.file, body.length, 0]);
  assert.equal(saved.response.status, 200);
  await holds(at);
  assert.equal(at.origin.requests.length, 1);
  assert.equal(at.origin.requests[0]?.headers["accept-encoding"], "identity");
  assert.deepEqual(progress.at(0), { received: 0, total: body.length });
  assert.deepEqual(progress.at(-1), { received: body.length, total: body.length });
});

test("a broken connection costs no received byte", async () => {
  await using at = await setting([first, good]);

  const { response } = await at.save();

  await holds(at);
  assert.equal(at.origin.requests[1]?.headers["range"], "bytes=80000-");
  assert.equal(response.attempts.length, 2);
});

test("a later call continues where an earlier one gave up", async () => {
  await using at = await setting([first, good], once);

  assert.equal(code(await failureOf(at.save())), "ERR_INCOMPLETE_BODY");
  assert.deepEqual(await at.names(), ["file.bin.part", "file.bin.part.json"]);
  assert.ok(body.subarray(0, cutAt).equals(await readFile(`${at.file}.part`)));
  const { resumedFrom, bytes } = await at.save();

  assert.deepEqual([resumedFrom, bytes], [cutAt, body.length]);
  await holds(at);
  const { range, "if-range": condition } = at.origin.requests[1]?.headers ?? {};
  assert.deepEqual([range, condition], ["bytes=80000-", '"v1"']);
});

function headers(name: string, value: string): (rendition: Rendition) => Rendition {
  return (part) => ({
    ...part,
    headers: part.headers.map((line) => (line[0] === name ? [name, value] : line)),
  });
}

const second: Readonly<Record<string, readonly [readonly Entry[], Buffer]>> = {
  "a whole of another version": [[ranged({ body: changed, etag: '"v2"' })], changed],
  "a whole body in response to a range request": [[ranged({ body, ...strong }, { ignoreRange: true })], body],
  "a 206 of another version": [
    [
      ranged({ body: changed, ...strong }, { forge: headers("etag", '"v2"') }),
      ranged({ body: changed, etag: '"v2"' }),
    ],
    changed,
  ],
  "a 206 that begins elsewhere": [
    [ranged({ body, ...strong }, { forge: headers("content-range", "bytes 70000-199999/200000") }), good],
    body,
  ],
  "a 206 with too few bytes": [
    [ranged({ body, ...strong }, { forge: (part) => ({ ...part, body: part.body.subarray(1) }) }), good],
    body,
  ],
  "412": [[respond(412), good], body],
  "416": [[respond(416, { headers: { "content-range": "bytes */9" } }), good], body],
  "an encoded whole": [[respond(200, { headers: strong, coding: "gzip", body })], body],
  "a weak tag": [[respond(200, { headers: { etag: 'W/"v1"' }, body: changed })], changed],
};

for (const [name, [answers, expected]] of Object.entries(second)) {
  test(`in one call, after a break, ${name} leads to a clean start`, async () => {
    await using at = await setting([first, ...answers]);

    const { bytes, resumedFrom } = await at.save();

    assert.deepEqual([bytes, resumedFrom], [expected.length, 0]);
    await holds(at, expected);
    assert.equal(at.origin.requests.length, 1 + answers.length);
  });

  test(`in a later call, ${name} leads to a clean start`, async () => {
    await using at = await setting([first, ...answers], once);
    await failureOf(at.save());

    const { bytes, resumedFrom } = await at.save();

    assert.deepEqual([bytes, resumedFrom], [expected.length, 0]);
    await holds(at, expected);
  });
}

test("a part without its validator starts over", async () => {
  for (const [name, spoil] of Object.entries({
    "no sidecar": () => Promise.resolve("{}"),
    "torn sidecar": async (path: string) => (await readFile(path, "utf8")).slice(0, 40),
    "another version of the sidecar": async (path: string) =>
      (await readFile(path, "utf8")).replace('"version": 1', '"version": 2'),
    "a validator with a line break": async (path: string) =>
      (await readFile(path, "utf8")).replace('v1\\""', 'v1\\"\\r\\nx-injected: 1"'),
    "a validator that is not ASCII": async (path: string) =>
      (await readFile(path, "utf8")).replace("v1", "☃"),
    "another resource": async (path: string) =>
      (await readFile(path, "utf8")).replace(/"resource": "./, '"resource": "x'),
  })) {
    await using at = await setting([first, good], once);
    await failureOf(at.save());
    await writeFile(`${at.file}.part.json`, await spoil(`${at.file}.part.json`));

    const { resumedFrom } = await at.save();

    assert.equal(resumedFrom, 0, name);
    assert.equal(at.origin.requests[1]?.headers["range"], undefined, name);
    await holds(at);
  }
});

test("a part longer than the whole body starts over", async () => {
  await using at = await setting([first, good], once);
  await failureOf(at.save());
  await writeFile(`${at.file}.part`, Buffer.alloc(300_000));

  await at.save();

  await holds(at);
});

test("a complete part costs one more byte", async () => {
  await using at = await setting([first, good], once);
  await failureOf(at.save());
  await writeFile(`${at.file}.part`, body);

  const { resumedFrom } = await at.save({ digest: `sha-256=${hex}` });

  assert.equal(resumedFrom, body.length - 1);
  assert.equal(at.origin.requests[1]?.headers["range"], "bytes=199999-");
  await holds(at);
});

test("a file without a validator is saved, and starts over after a break", async () => {
  const plain = respond(200, { body });
  await using at = await setting([cut(plain, { atBody: cutAt }), plain]);

  await at.save();

  await holds(at);
});

test("a 416 completes a file of unknown length that broke off after its last byte", async () => {
  const open: Reply = [...chunked(200, [body], { headers: strong, last: false }), { end: "fin" }];
  await using at = await setting([
    open,
    respond(416, { headers: { ...strong, "content-range": "bytes */200000" } }),
  ]);

  await at.save({ digest: `sha-256=${hex}` });

  await holds(at);
});

test("a response that is not a success leaves the file and its part unchanged", async () => {
  await using at = await setting([first, respond(404, { body: "no such file" })], once);
  await writeFile(at.file, "before");
  await failureOf(at.save());
  const part = await stat(`${at.file}.part`);

  const error = await failureOf(at.save());

  assert.equal(code(error), "ERR_STATUS");
  assert.equal(await readFile(at.file, "utf8"), "before");
  assert.equal((await stat(`${at.file}.part`)).size, part.size);
});

test("a download that never began leaves no file", async () => {
  await using at = await setting([respond(404)]);

  await failureOf(at.save());

  assert.deepEqual(await at.names(), []);
});

test("a symbolic link stays, and its target is replaced or created", async () => {
  for (const there of [true, false]) {
    await using at = await setting([good]);
    await mkdir(join(at.folder, "real"));
    const real = join(at.folder, "real", "data.bin");
    if (there) await writeFile(real, "older");
    await symlink(join("real", "data.bin"), at.file);

    const { path } = await at.save();

    assert.equal(path, await realpath(real));
    assert.ok((await lstat(at.file)).isSymbolicLink());
    assert.ok(body.equals(await readFile(real)));
    assert.deepEqual(await readdir(join(at.folder, "real")), ["data.bin"]);
  }
});

test("a lock lost during the body leaves the file unchanged", async () => {
  await using at = await setting([good]);
  await writeFile(at.file, "older");

  const error = await failureOf(
    at.save({
      onProgress: ({ received }) => {
        if (received === body.length) unlinkSync(`${at.file}.part.lock`);
      },
    }),
  );

  assert.equal(code(error), "ERR_FILE_BUSY");
  assert.equal(await readFile(at.file, "utf8"), "older");
});

test("download replaces an existing file in one step", async () => {
  await using at = await setting([first, good], once);
  await writeFile(at.file, "before");
  await failureOf(at.save());
  assert.equal(await readFile(at.file, "utf8"), "before");

  await at.save();

  await holds(at);
});

test("download checks the expected digest over the whole file, resumed or not", async () => {
  for (const digest of [
    `sha-256=${hex}`,
    `SHA-256=${hex.toUpperCase()}`,
    `sha-256=${base64}`,
    `sha-256=:${base64}:`,
  ]) {
    await using at = await setting([first, good], once);
    await failureOf(at.save({ digest }));

    await at.save({ digest });

    await holds(at);
  }
});

test("a wrong digest is an error and removes the part, so the next call starts over", async () => {
  await using at = await setting([good]);
  await writeFile(at.file, "before");
  const digest = `sha-256=${"0".repeat(64)}`;

  const error = await failureOf(at.save({ digest }));

  assert.equal(code(error), "ERR_DIGEST");
  assert.equal(Reflect.get(error, "actual"), hex);
  assert.deepEqual(await at.names(), ["file.bin"]);
  assert.equal(await readFile(at.file, "utf8"), "before");
});

test("an invalid digest is a TypeError before any request", async () => {
  await using at = await setting([good]);

  for (const digest of ["", "sha-256=", "sha-256=abc", `sha-1=${hex}`, hex, `sha-512=${hex}`]) {
    assert.ok((await failureOf(at.save({ digest }))) instanceof TypeError, digest);
  }
  assert.equal(at.origin.requests.length, 0);
  assert.deepEqual(await at.names(), []);
});

const md5 = createHash("md5").update(body).digest("base64");
const told: Readonly<Record<string, string>> = {
  "repr-digest": `unixsum=:AAAA:, sha-256=:${base64}:`,
  "content-digest": `sha-512=:${createHash("sha512").update(body).digest("base64")}:`,
  "content-md5": md5,
};

for (const [name, value] of Object.entries(told)) {
  test(`download checks ${name} of the server, also in a later call`, async () => {
    const whole = respond(200, { headers: { ...strong, [name]: value }, body });
    await using at = await setting([cut(whole, { atBody: cutAt }), good], once);
    await failureOf(at.save());

    await at.save();

    await holds(at);

    const wrong = respond(200, { headers: { ...strong, [name]: value }, body: changed });
    await using bad = await setting(
      [cut(wrong, { atBody: cutAt }), ranged({ body: changed, ...strong })],
      once,
    );
    await failureOf(bad.save());

    assert.equal(code(await failureOf(bad.save())), "ERR_DIGEST");
    assert.deepEqual(await bad.names(), []);
  });
}

test("an abort keeps the part for later", async () => {
  await using at = await setting([stall(respond(200, { headers: strong, body }), { atBody: cutAt }), good], {
    timeout: { read: "30s" },
  });
  const caller = new AbortController();
  const stop = new Error("The user pressed stop");
  const saving = failureOf(at.save({ signal: caller.signal }));
  const part = `${at.file}.part`;
  await waitUntil("the part is there", () => existsSync(part) && statSync(part).size === cutAt);

  caller.abort(stop);

  assert.equal(await saving, stop);
  assert.equal((await at.save()).resumedFrom, cutAt);
  await holds(at);
});

test("a second download of one file is rejected, and the first continues", async () => {
  await using at = await setting([
    stall(respond(200, { headers: strong, body }), { atBody: cutAt, pause: 200 }),
  ]);

  const [one, two] = await Promise.allSettled([at.save(), at.save()]);

  const refused = [one, two].filter((result) => result.status === "rejected");
  assert.equal(refused.length, 1);
  assert.equal(code(refused[0]?.reason), "ERR_FILE_BUSY");
  assert.equal(Reflect.get(Object(refused[0]?.reason), "pid"), process.pid);
  await holds(at);
});

test("an error of onProgress ends the download and keeps the part", async () => {
  await using at = await setting([good]);
  const stop = new Error("Enough");

  const error = await failureOf(
    at.save({
      onProgress: ({ received }) => {
        if (received > 0) throw stop;
      },
    }),
  );

  assert.equal(error, stop);
  assert.ok((await at.names()).includes("file.bin.part"));
  await at.save();
  await holds(at);
});

test("download rejects an unknown option, and sends nothing", async () => {
  await using at = await setting([good]);
  const options = { sha256: "9f86d081" } as DownloadOptions;

  const error = await failureOf(at.save(options));

  assert.ok(error instanceof TypeError);
  assert.match(error.message, /download has no option "sha256": did you mean digest/);
  assert.equal(at.origin.requests.length, 0);
});

test("download returns the response whose body is in the file", async () => {
  await using at = await setting([good]);

  const { response, path } = await at.save();

  assert.deepEqual([response.status, response.attempts.length, path], [200, 1, at.file]);
  assert.equal(at.origin.requests.length, 1);
});

test("download sends the method and the body that it was given", async () => {
  await using at = await setting([good]);

  await at.save({ method: "POST", json: { report: 5 } });

  await holds(at);
  assert.deepEqual(
    at.origin.requests.map(({ method }) => method),
    ["POST"],
  );
});

test("a file is not saved when its request cannot be made", async () => {
  await using at = await setting([good]);

  assert.equal(code(await failureOf(at.session.download("nowhere", at.file))), "ERR_INVALID_URL");
});

test("download does not replace a folder", async () => {
  await using at = await setting([good]);

  assert.ok(
    (await failureOf(at.session.download(`${at.origin.url}/`, dirname(at.file)))) instanceof TypeError,
  );

  assert.equal(at.origin.requests.length, 0);
});

test("maxBytes applies to the whole file", async () => {
  await using at = await setting([first, good], once);
  await failureOf(at.save());

  assert.equal(code(await failureOf(at.save({ maxBytes: 150_000 }))), "ERR_BODY_TOO_LARGE");
});
