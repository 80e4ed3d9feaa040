import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DigestError, Session } from "@holdfast/http";
import { cut, faultOrigin, respond, type Reply } from "@holdfast/http/testing";
import { body as page, changed, cutAt, good, strong } from "./faults/broken-page.ts";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const body = "all of it\n";
const sha256 = (bytes: string | Buffer): string =>
  `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
const encoded = gzipSync(body);
const quick = { backoffFactor: 0.001, backoffJitter: 0 };

for (const field of ["content-digest", "repr-digest"]) {
  test(`verifyDigest checks buffered and streamed bodies against ${field}`, async () => {
    await using origin = await faultOrigin({
      routes: {
        "/right": respond(200, { body, headers: { [field]: `md5=:AAAA:, ${sha256(body)}` } }),
        "/wrong": respond(200, { body, headers: { [field]: sha256("another") } }),
        "/encoded": respond(200, {
          body: encoded,
          headers: { [field]: sha256(encoded), "content-encoding": "gzip" },
        }),
      },
    });
    await using session = new Session({ verifyDigest: true, retry: quick });

    assert.equal(await session.get(`${origin.url}/right`).text(), body);
    assert.equal(await session.get(`${origin.url}/encoded`).text(), body);
    assert.equal((await session.head(`${origin.url}/wrong`)).status, 200);
    await assert.rejects(session.get(`${origin.url}/wrong`), DigestError);
    const streamed = await session.get(`${origin.url}/wrong`, { stream: true });
    await assert.rejects(streamed.text(), DigestError);
    assert.equal(await session.get(`${origin.url}/wrong`, { verifyDigest: false }).text(), body);
  });
}

/** A response with the page or a damaged one, whose digest is that of the page. */
function paged(content: Buffer, status = 200): Reply {
  return respond(status, { headers: { ...strong, "repr-digest": sha256(page) }, body: content });
}

async function bytesOf(session: Session, url: string): Promise<Buffer> {
  return Buffer.from(await session.get(url).bytes());
}

const damagedPart = cut(paged(changed), { atBody: cutAt });
const goodPart = cut(paged(page), { atBody: cutAt });

test("verifyDigest checks a body that was joined from parts as a whole", async () => {
  await using origin = await faultOrigin({
    routes: { "/good": [goodPart, good], "/damaged": [damagedPart, good, paged(page)] },
  });
  await using session = new Session({ verifyDigest: true, retry: quick });

  assert.deepEqual(await bytesOf(session, `${origin.url}/good`), page);
  assert.equal(origin.requests.length, 2);

  // The parts do not belong together, so the whole is requested again.
  assert.deepEqual(await bytesOf(session, `${origin.url}/damaged`), page);
  assert.equal(origin.requests.length, 5);
  assert.equal(origin.requests.at(-1)?.headers["range"], undefined);
});

test("verifyDigest checks a stream that was continued as a whole", async () => {
  await using origin = await faultOrigin({
    routes: { "/good": [goodPart, good], "/damaged": [damagedPart, good] },
  });
  await using session = new Session({ verifyDigest: true, retry: quick });

  const right = await session.get(`${origin.url}/good`, { stream: true });
  const wrong = await session.get(`${origin.url}/damaged`, { stream: true });

  assert.ok(Buffer.from(await right.bytes()).equals(page));
  await assert.rejects(wrong.bytes(), DigestError);
  assert.equal(origin.requests.length, 4);
});

test("a body that was damaged on the way is requested again, if that is safe", async () => {
  await using origin = await faultOrigin({ routes: { "/": [paged(changed), paged(page)] } });
  await using session = new Session({ verifyDigest: true, retry: quick });

  const response = await session.get(origin.url);

  assert.ok(Buffer.from(response.content).equals(page));
  assert.deepEqual(
    response.attempts.map(({ verdict }) => verdict.reason),
    ["body-digest", "ok"],
  );

  await using other = await faultOrigin({ routes: { "/": [paged(changed), paged(page)] } });
  await assert.rejects(session.post(other.url, { body: "x" }), DigestError);
  assert.equal(other.requests.length, 1);
});

test("a download is always verified, also if its body is encoded", async () => {
  const coding = { "content-encoding": "gzip" };
  await using origin = await faultOrigin({
    routes: {
      "/right": respond(200, {
        body: encoded,
        headers: { ...coding, "content-digest": sha256(encoded) },
      }),
      "/wrong": respond(200, { body: encoded, headers: { ...coding, "content-digest": sha256(body) } }),
      "/plain": respond(200, { body, headers: { "repr-digest": sha256("another") } }),
    },
  });
  await using folder = await temporaryDirectory("verify-digest");
  await using session = new Session({ retry: quick });
  const file = join(folder.path, "file");

  await assert.rejects(session.download(`${origin.url}/wrong`, file), DigestError);
  await assert.rejects(session.download(`${origin.url}/plain`, file), DigestError);
  await session.download(`${origin.url}/right`, file);

  assert.equal(await readFile(file, "utf8"), body);
});
