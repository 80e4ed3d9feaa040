import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DigestError, Session } from "@holdfast/http";
import { faultOrigin, respond } from "@holdfast/http/testing";
import { temporaryDirectory } from "./support/temporary-directory.ts";

const body = "all of it\n";
const sha256 = (bytes: string | Buffer): string =>
  `sha-256=:${createHash("sha256").update(bytes).digest("base64")}:`;
const encoded = gzipSync(body);

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
    await using session = new Session({ verifyDigest: true });

    assert.equal(await session.get(`${origin.url}/right`).text(), body);
    assert.equal(await session.get(`${origin.url}/encoded`).text(), body);
    assert.equal((await session.head(`${origin.url}/wrong`)).status, 200);
    await assert.rejects(session.get(`${origin.url}/wrong`), DigestError);
    const streamed = await session.get(`${origin.url}/wrong`, { stream: true });
    await assert.rejects(streamed.text(), DigestError);
    assert.equal(await session.get(`${origin.url}/wrong`, { verifyDigest: false }).text(), body);
  });
}

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
  await using session = new Session();
  const file = join(folder.path, "file");

  await assert.rejects(session.download(`${origin.url}/wrong`, file), DigestError);
  await assert.rejects(session.download(`${origin.url}/plain`, file), DigestError);
  await session.download(`${origin.url}/right`, file);

  assert.equal(await readFile(file, "utf8"), body);
});
