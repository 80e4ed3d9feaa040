import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import { BodyTooLargeError } from "../../errors/transport-errors.ts";
import { toBodySource } from "../../model/body-source.ts";
import { decodeSmall } from "./codings.ts";
import { decode } from "./decode.ts";
import { sliceBytes } from "./decode-bounds.ts";
import { decodeStream } from "./decode-stream.ts";

const zeros = Buffer.alloc(64 * 1024 * 1024);
const { BROTLI_PARAM_QUALITY } = zlib.constants;
const bombs: readonly (readonly [coding: string, bytes: Buffer])[] = [
  ["gzip", zlib.gzipSync(zeros)],
  ["deflate", zlib.deflateSync(zeros)],
  ["br", zlib.brotliCompressSync(zeros, { params: { [BROTLI_PARAM_QUALITY]: 5 } })],
  ["zstd", zlib.zstdCompressSync(zeros)],
];
const unlimited = { maxBytes: Infinity };

for (const [coding, bytes] of bombs) {
  test(`decodes ${bytes.length} bytes of ${coding} that are 64 MiB in slices of at most 64 KiB, with a check between them`, async () => {
    let checks = 0;
    const source = decodeStream(toBodySource(bytes), coding, {
      maxBytes: 2 ** 24,
      check: () => (checks += 1),
    });

    let [slices, longest] = [0, 0];
    const error = await (async () => {
      for (let piece = await source.read(); piece !== undefined; piece = await source.read()) {
        slices += 1;
        longest = Math.max(longest, piece.length);
      }
    })().catch((reason: unknown) => reason);

    assert.ok(error instanceof BodyTooLargeError);
    assert.ok(longest <= sliceBytes && slices >= 2 ** 24 / sliceBytes);
    assert.ok(checks >= slices);
  });

  test(`decodes no more than 48 KiB of ${coding} on this thread`, () => {
    assert.equal(decodeSmall(coding, bytes.subarray(0, 24 * 1024), Infinity), undefined);
  });

  test(`the error of the check ends a body of ${coding}, also between slices`, async () => {
    const reason = new Error("The call was cancelled");
    let checks = 0;
    const check = (): void => {
      checks += 1;
      if (checks > 10) throw reason;
    };

    await assert.rejects(async () => decode(bytes, coding, { maxBytes: Infinity, check }), reason);

    assert.equal(checks, 11);
  });
}

const empty: readonly (readonly [what: string, coding: string, bytes: Buffer])[] = [
  ["empty frames of zstd", "zstd", zlib.zstdCompressSync(Buffer.alloc(0))],
  ["empty members of gzip", "gzip", zlib.gzipSync(Buffer.alloc(0))],
];

for (const [what, coding, frame] of empty) {
  test(`the check also runs between thousands of ${what}`, async () => {
    const body = Buffer.concat(Array.from({ length: 5_000 }, () => frame));
    const reason = new Error("The deadline has passed");
    let checks = 0;
    const check = (): void => {
      checks += 1;
      if (checks > 100) throw reason;
    };

    await assert.rejects(async () => decode(body, coding, { maxBytes: Infinity, check }), reason);
  });
}

for (const coding of ["br", "zstd"]) {
  test(`rejects ${coding} that expands to more than 2,000 times its size, beyond 32 MiB`, async () => {
    const bytes = new Map(bombs).get(coding) ?? Buffer.alloc(0);

    await assert.rejects(async () => decode(bytes, coding, unlimited), {
      code: "ERR_BODY_TOO_LARGE",
      message: /expands to more than 2000 times its size \(\d+ bytes from \d+\)/,
    });
  });
}

test("decodes 64 MiB of zeros in gzip, which cannot expand more than 1,032 times", async () => {
  const [, bytes] = bombs[0] ?? [];

  assert.equal((await decode(bytes ?? Buffer.alloc(0), "gzip", unlimited)).length, zeros.length);
});

test("a body with two codings has the ratio limit for both together", async () => {
  const bytes = zlib.gzipSync(zlib.gzipSync(zeros));

  await assert.rejects(async () => decode(bytes, "gzip, gzip", unlimited), { code: "ERR_BODY_TOO_LARGE" });
});
