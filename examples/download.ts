import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cut, faultOrigin, ranged, respond } from "holdfast/testing";

const image = Buffer.alloc(3_000_000, "an image of a disk\n");
const etag = '"2026-11"';
await using origin = await faultOrigin({
  routes: {
    // The body ends early twice. The second time no retry is left, as after a crash.
    "/big.iso": [
      cut(respond(200, { headers: { etag }, body: image }), { atBody: 1_000_000 }),
      (request) => cut(ranged({ body: image, etag })(request), { atBody: 500_000 }),
      ranged({ body: image, etag }),
    ],
  },
});
const url = `${origin.url}/big.iso`;
const folder = await mkdtemp(join(tmpdir(), "holdfast-example-"));
const file = join(folder, "big.iso");
const sha256 = createHash("sha256").update(image).digest("hex");

await using withOneRetry = new Session({ retry: 1 });
await withOneRetry.download(url, file).catch((error: unknown) => console.log(String(error)));

// #region save
import { Session } from "holdfast";

await using session = new Session();

const saved = await session.download(url, file, {
  digest: `sha-256=${sha256}`,
  onProgress: ({ received, total }) => show(received, total),
});
console.log(`${saved.bytes} bytes, ${saved.resumedFrom} of them from an earlier run`);
// #endregion

function show(received: number, total: number | undefined): void {
  if (received === total) console.log("100 %");
}

console.log((await readFile(file)).equals(image) ? "exact" : "different");
console.log(origin.requests.map(({ headers }) => headers["range"] ?? "all").join(", "));
await rm(folder, { recursive: true });
