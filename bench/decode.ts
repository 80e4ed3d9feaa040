/*
 * Decoding: how fast bodies of usual sizes are decoded, and how long the event loop waits meanwhile.
 *
 *     npm run bench:decode [-- path/to/another/decode.ts]
 *
 * A second path is measured side by side, for example that of another commit.
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as zlib from "node:zlib";

type Decode = (
  body: Buffer,
  coding: string,
  bounds: { readonly maxBytes: number },
) => Buffer | Promise<Buffer>;

const bounds = { maxBytes: 2 ** 31, valueOf: () => 2 ** 31 };
const records = (bytes: number): Buffer => {
  const lines: string[] = [];
  for (let at = 0, line = 0; at < bytes; line += 1) {
    const text = JSON.stringify({
      id: line,
      name: `user ${(line * 7_919) % 65_537}`,
      active: line % 3 === 0,
      tags: ["a", "b"],
    });
    lines.push(text);
    at += text.length + 1;
  }
  return Buffer.from(lines.join("\n")).subarray(0, bytes);
};

const coders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
};
const sizes = [1_000, 20_000, 100_000, 1_000_000, 10_000_000];
const bomb = zlib.brotliCompressSync(Buffer.alloc(2 ** 28), {
  params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5, [zlib.constants.BROTLI_PARAM_LGWIN]: 24 },
});

async function load(path: string): Promise<Decode> {
  const module: { readonly decode: Decode } = await import(pathToFileURL(resolve(path)).href);
  return module.decode;
}

/** Returns the longest delay of a timer of 10 ms while `work` runs, in milliseconds. */
async function longestDelay(work: () => Promise<void>): Promise<number> {
  let [last, longest] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 10);
    last = now;
  }, 10);
  await work();
  await new Promise((done) => setTimeout(done, 20));
  clearInterval(timer);
  return longest;
}

async function run(
  decode: Decode,
  [body, coding]: readonly [Buffer, string],
  times: number,
): Promise<number> {
  const began = performance.now();
  const inFlight = 8;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let time = 0; time < times / inFlight; time += 1) await decode(body, coding, bounds);
    }),
  );
  return (times / (performance.now() - began)) * 1_000;
}

const contestants = new Map<string, Decode>([
  ["here", await load("packages/http/src/transport/decode/decode.ts")],
]);
const [, , other] = process.argv;
if (other !== undefined) contestants.set("other", await load(other));

for (const [coding, encode] of Object.entries(coders))
  for (const size of sizes) {
    const body = encode(records(size));
    const times = Math.max(16, Math.min(4_000, Math.round(4e7 / size)));
    const rates = new Map<string, number[]>();
    for (let round = 0; round < 9; round += 1)
      for (const [name, decode] of contestants)
        rates.set(name, [...(rates.get(name) ?? []), await run(decode, [body, coding], times)]);
    const text = [...rates].map(([name, all]) => `${name} ${Math.max(...all).toFixed(0)}/s`).join("   ");
    console.log(`${coding.padEnd(5)} ${String(size).padStart(9)} bytes (${body.length} sent)   ${text}`);
  }

const megabyte = zlib.gzipSync(records(1_000_000));
for (const [name, decode] of contestants) {
  const delay = await longestDelay(
    async () => void (await Promise.resolve(decode(bomb, "br", bounds)).catch(() => undefined)),
  );
  console.log(
    `${name}: 256 MiB of zeros from ${bomb.length} bytes: longest delay of a 10 ms timer ${delay.toFixed(0)} ms`,
  );
  const bodies = longestDelay(async () => void (await run(decode, [megabyte, "gzip"], 100)));
  console.log(`${name}: 100 bodies of 1 MB: longest delay of a 10 ms timer ${(await bodies).toFixed(0)} ms`);
}
