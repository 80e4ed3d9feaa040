import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Session } from "@holdfast/http";
import { certificates, type Certificate } from "./support/certificates.ts";
import { temporaryDirectory, type TemporaryDirectory } from "./support/temporary-directory.ts";
import { isInstalled, webServers, type WebServer, type WebServerProgram } from "./support/web-servers.ts";

const small = "a small file\n";
const page = `<!doctype html>\n${"<p>A paragraph that compresses well.</p>\n".repeat(600)}`;
// Half of its size when compressed: too large for the first frame of a body.
const digits = randomBytes(100 * 1024).toString("hex");
const big = randomBytes(400 * 1024);
const upload = randomBytes(100 * 1024);

let site: TemporaryDirectory;
let authority: { readonly good: Certificate; readonly ca: Certificate };

before(async () => {
  site = await temporaryDirectory("interop");
  // Some servers serve as another user than the one of this test.
  await chmod(site.path, 0o755);
  await writeFile(join(site.path, "small.txt"), small);
  await writeFile(join(site.path, "page.html"), page);
  await writeFile(join(site.path, "digits.txt"), digits);
  await writeFile(join(site.path, "big.bin"), big);
  authority = await certificates();
});

after(() => site[Symbol.asyncDispose]());

/** One server over one protocol. */
interface Place {
  readonly session: Session;
  readonly url: string;
  readonly ranges: boolean;
}

const tasks: Readonly<Record<string, (place: Place) => Promise<void>>> = {
  "GET of a compressible page": async ({ session, url }) => {
    const response = await session.get(`${url}/page.html`);

    assert.deepEqual([response.status, response.attempts.length], [200, 1]);
    assert.equal(await response.text(), page);
  },
  "500 GETs, 16 in flight, with one attempt each": async ({ session, url }) => {
    const responses = await inFlight(16, 500, (number) => session.get(`${url}/small.txt?${number}`));

    const texts = await Promise.all(responses.map((response) => response.text()));
    assert.deepEqual(new Set(texts), new Set([small]));
    const attempts = responses.flatMap((response) => response.attempts);
    assert.deepEqual([responses.length, attempts.length], [500, 500]);
  },
  "GET of 400 KB": async ({ session, url }) => {
    const response = await session.get(`${url}/big.bin`);

    assert.equal(response.status, 200);
    assert.ok(big.equals(await response.bytes()), "The body differs");
  },
  "GET of 400 KB as a stream": async ({ session, url }) => {
    const response = await session.get(`${url}/big.bin`, { stream: true });
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body) pieces.push(piece);

    assert.ok(big.equals(Buffer.concat(pieces)), "The body differs");
  },
  "HEAD of compressible files": async ({ session, url }) => {
    for (const name of ["page.html", "digits.txt"]) {
      const response = await session.head(`${url}/${name}`);

      assert.deepEqual([response.status, response.content.length, response.attempts.length], [200, 0, 1]);
    }
  },
  "GET of a range": async ({ session, url, ranges }) => {
    const response = await session.get(`${url}/big.bin`, { headers: { range: "bytes=1000-1999" } });

    assert.equal(response.status, ranges ? 206 : 200);
    const expected = ranges ? big.subarray(1000, 2000) : big;
    assert.ok(expected.equals(await response.bytes()), "The body differs");
  },
  "304 for a known validator": async ({ session, url }) => {
    const { headers } = await session.get(`${url}/big.bin`);
    const since = headers.get("last-modified") ?? "";

    const response = await session.get(`${url}/big.bin`, { headers: { "if-modified-since": since } });

    assert.deepEqual([response.status, response.content.length, response.attempts.length], [304, 0, 1]);
  },
  "404 with one attempt": async ({ session, url }) => {
    const response = await session.get(`${url}/missing`);

    assert.deepEqual([response.status, response.attempts.length], [404, 1]);
  },
  "POST of 100 KB": async ({ session, url }) => {
    const response = await session.post(`${url}/echo`, { body: upload });

    assert.deepEqual([response.status, response.attempts.length], [200, 1]);
    assert.ok(upload.equals(await response.bytes()), "The body differs");
  },
  "download of 400 KB": async ({ session, url }) => {
    await using folder = await temporaryDirectory("interop-download");
    const file = join(folder.path, "big.bin");

    const { bytes } = await session.download(`${url}/big.bin`, file);

    assert.equal(bytes, big.length);
    assert.ok(big.equals(await readFile(file)), "The file differs");
  },
};

for (const program of webServers) {
  const skip = isInstalled(program) ? false : `${program.name} is not installed`;
  test(program.name, { skip, timeout: 120_000 }, async (t) => {
    await using server = await program.start({ root: site.path, certificate: authority.good });
    for (const protocol of program.protocols) {
      await using place = openPlace(program, { server, protocol });
      let streams = 0;
      const countStream = (): void => void (streams += 1);
      subscribe("http2.client.stream.created", countStream);
      for (const [task, perform] of Object.entries(tasks)) {
        await t.test(`${program.name}, ${protocol}: ${task}`, () => perform(place));
      }
      unsubscribe("http2.client.stream.created", countStream);
      assert.equal(streams > 0, protocol === "h2", `${streams} HTTP/2 streams over ${protocol}`);
    }
  });
}

function openPlace(
  { ranges }: WebServerProgram,
  { server, protocol }: { readonly server: WebServer; readonly protocol: string },
): Place & AsyncDisposable {
  const session = new Session({ http2: protocol === "h2", tls: { ca: authority.ca.cert } });
  const url =
    protocol === "http/1.1" ? `http://127.0.0.1:${server.plain}` : `https://127.0.0.1:${server.secure}`;
  return { session, url, ranges, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
}

/** Performs `count` tasks, of which `limit` are in flight. */
async function inFlight<T>(
  limit: number,
  count: number,
  act: (number: number) => Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) results.push(await act(next++));
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
