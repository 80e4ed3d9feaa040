import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import type { BodySource } from "../../model/body-source.ts";
import { BodyTooLargeError, DecodeError, IncompleteBodyError } from "../../errors/transport-errors.ts";
import { decode } from "./decode.ts";
import { decodeStream } from "./decode-stream.ts";

const text = Buffer.from(Array.from({ length: 3_000 }, (_, line) => `line ${line * 7919}\n`).join(""));

const coders: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = {
  gzip: zlib.gzipSync,
  "x-gzip": zlib.gzipSync,
  deflate: zlib.deflateSync,
  "deflate ": zlib.deflateRawSync,
  br: zlib.brotliCompressSync,
  zstd: zlib.zstdCompressSync,
};

/** Returns a source of these pieces that records how far it was read ahead. */
function source(
  pieces: readonly Uint8Array[],
  failure?: Error,
): BodySource & { reads: number; cancelled: unknown } {
  return {
    reads: 0,
    cancelled: undefined,
    read() {
      const piece = pieces[this.reads];
      this.reads += 1;
      return piece === undefined && failure !== undefined ? Promise.reject(failure) : Promise.resolve(piece);
    },
    cancel(reason) {
      this.cancelled = reason;
    },
  };
}

function cutUp(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

async function readAll(body: BodySource): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let piece = await body.read(); piece !== undefined; piece = await body.read()) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Returns the bytes read and the error at the end. */
async function outcome(body: BodySource): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0;
  try {
    for (let piece = await body.read(); piece !== undefined; piece = await body.read()) bytes += piece.length;
    return { bytes, error: undefined };
  } catch (error) {
    return { bytes, error };
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 6 });

for (const [coding, encode] of Object.entries(coders)) {
  test(`decodes ${coding === "deflate " ? "raw deflate" : coding} in pieces of any size`, async () => {
    const coded = encode(text);

    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        assert.deepEqual(
          await readAll(decodeStream(source(cutUp(coded, cuts)), coding, { maxBytes: Infinity })),
          text,
        );
      }),
      { numRuns: 30 },
    );
  });

  test(`reports ${coding === "deflate " ? "raw deflate" : coding} as incomplete when it is cut at any byte`, async () => {
    const coded = encode(text.subarray(0, 300));

    for (let length = 1; length < coded.length; length += 1) {
      for (const size of [1, 100, 10_000]) {
        const { error } = await outcome(
          decodeStream(source(cutUp(coded.subarray(0, length), [size])), coding, { maxBytes: Infinity }),
        );
        assert.ok(
          error instanceof IncompleteBodyError,
          `${length} of ${coded.length} in ${size}: ${String(error)}`,
        );
        assert.equal(error.received, length);
      }
    }
  });

  test(`returns the content of ${coding === "deflate " ? "raw deflate" : coding} contained before the source failed, and then the source's error`, async () => {
    const coded = encode(text);
    const failure = new IncompleteBodyError(5, 10);

    const { bytes, error } = await outcome(
      decodeStream(source(cutUp(coded.subarray(0, coded.length - 9), [997]), failure), coding, {
        maxBytes: Infinity,
      }),
    );

    assert.equal(error, failure);
    if (coding !== "zstd" && coding !== "br") assert.ok(bytes > text.length / 2, `${bytes}`);
  });
}

test("decodes several members of gzip and several frames of zstd in pieces of any size", async () => {
  const parts = [text.subarray(0, 999), Buffer.alloc(0), text.subarray(999, 5_000), text.subarray(5_000)];

  for (const coding of ["gzip", "zstd"]) {
    const coded = Buffer.concat(parts.map((part) => coders[coding]?.(part) ?? part));
    await fc.assert(
      fc.asyncProperty(sizes, async (cuts) => {
        assert.deepEqual(
          await readAll(decodeStream(source(cutUp(coded, cuts)), coding, { maxBytes: Infinity })),
          text,
        );
      }),
      { numRuns: 50 },
    );
  }
});

test("reports a truncated second frame of zstd as incomplete", async () => {
  const first = zlib.zstdCompressSync(text);
  const coded = Buffer.concat([first, zlib.zstdCompressSync(text).subarray(0, 50)]);

  for (const cuts of [[coded.length], [first.length], [1], [first.length - 1, 2]]) {
    const { bytes, error } = await outcome(
      decodeStream(source(cutUp(coded, cuts)), "zstd", { maxBytes: Infinity }),
    );
    assert.ok(error instanceof IncompleteBodyError, `${String(cuts)}: ${String(error)}`);
    assert.ok(bytes >= text.length);
  }
});

test("decodes two codings in reverse order", async () => {
  const coded = zlib.gzipSync(zlib.brotliCompressSync(text));

  assert.deepEqual(
    await readAll(decodeStream(source(cutUp(coded, [77])), "br, gzip", { maxBytes: Infinity })),
    text,
  );
});

test("leaves a body without a coding, or with an unknown one, unchanged", () => {
  const body = source([text]);

  for (const coding of [undefined, "", "identity", "rot13", "constructor", "__proto__", "toString"])
    assert.equal(decodeStream(body, coding, { maxBytes: 1 }), body);
});

test("rejects more than five codings", () => {
  assert.throws(
    () => decodeStream(source([]), "gzip, gzip, gzip, gzip, gzip, gzip", { maxBytes: 1 }),
    DecodeError,
  );
});

test("reports a body that is not in its coding", async () => {
  for (const coding of ["gzip", "deflate", "br", "zstd"]) {
    const { error } = await outcome(
      decodeStream(source([Buffer.from("x".repeat(500))]), coding, { maxBytes: Infinity }),
    );
    assert.ok(error instanceof DecodeError, `${coding}: ${String(error)}`);
  }
});

test("decodes an empty encoding to an empty body, as decode does", async () => {
  for (const coding of ["gzip", "deflate", "br", "zstd"]) {
    assert.deepEqual(
      await readAll(decodeStream(source([]), coding, { maxBytes: Infinity })),
      Buffer.alloc(0),
    );
  }
});

test("reads to the end of the body after the end of the coding", async () => {
  const failure = new IncompleteBodyError(5, 10);
  const coded = [Buffer.concat([zlib.deflateSync(text), Buffer.alloc(4)]), Buffer.alloc(8)];

  const whole = await outcome(decodeStream(source(coded), "deflate", { maxBytes: Infinity }));
  const cut = await outcome(decodeStream(source(coded, failure), "deflate", { maxBytes: Infinity }));

  assert.deepEqual(
    [whole, cut],
    [
      { bytes: text.length, error: undefined },
      { bytes: text.length, error: failure },
    ],
  );
});

test("ignores bytes after gzip that begin no other member, but not the failure of the source after them", async () => {
  const failure = new IncompleteBodyError(5, 10);
  const short = text.subarray(0, 1_000);
  const members = Buffer.concat([zlib.gzipSync(short), zlib.gzipSync(short)]);
  for (const behind of [Buffer.from("more"), Buffer.from([0x1f, 0x8b, 7]), Buffer.from("\0\0\u001f")]) {
    for (const size of [1, members.length, 100_000]) {
      const pieces = cutUp(Buffer.concat([members, behind]), [size]);

      const whole = await outcome(decodeStream(source(pieces), "gzip", { maxBytes: Infinity }));
      const cut = await outcome(decodeStream(source(pieces, failure), "gzip", { maxBytes: Infinity }));

      assert.deepEqual(whole, { bytes: 2_000, error: undefined });
      assert.deepEqual(cut, { bytes: 2_000, error: failure });
    }
  }
});

test("reads every field of a gzip header, in pieces of any size", async () => {
  const short = text.subarray(0, 1_000);
  const whole = zlib.gzipSync(short);
  const optional = [Buffer.from([3, 0, 1, 2, 3]), Buffer.from("name.txt\0"), Buffer.from("a comment\0")];
  for (const [flags, ...fields] of [
    [0x1f & ~2, ...optional],
    [2],
    [0x1e, ...optional],
    [8, optional[1] ?? whole],
  ] as const) {
    const head = Buffer.concat([
      whole.subarray(0, 3),
      Buffer.from([flags]),
      whole.subarray(4, 10),
      ...fields,
    ]);
    const check = Buffer.alloc((flags & 2) === 0 ? 0 : 2);
    if (check.length > 0) check.writeUInt16LE(zlib.crc32(head) & 0xffff);
    const coded = Buffer.concat([head, check, whole.subarray(10)]);

    assert.deepEqual(zlib.gunzipSync(coded), short);
    for (const size of [1, 7, coded.length])
      assert.deepEqual(
        await readAll(decodeStream(source(cutUp(coded, [size])), "gzip", { maxBytes: Infinity })),
        short,
      );
    for (let length = 1; length < head.length + check.length; length += 1) {
      const { error } = await outcome(
        decodeStream(source([coded.subarray(0, length)]), "gzip", { maxBytes: Infinity }),
      );
      assert.ok(error instanceof IncompleteBodyError, `${flags} at ${length}: ${String(error)}`);
      assert.equal(error.received, length);
    }
  }
});

test("rejects bytes other than padding after the end of another coding than gzip", async () => {
  for (const [coding, encode] of Object.entries(coders)) {
    if (coding.includes("gzip")) continue;
    for (const behind of [[Buffer.from("more")], [Buffer.alloc(4), Buffer.from("more")]]) {
      const { error } = await outcome(
        decodeStream(source([encode(text), ...behind]), coding, { maxBytes: Infinity }),
      );

      assert.equal(Reflect.get(Object(error), "code"), "ERR_DECODE", coding);
    }
  }
});

test("agrees with decode, also on padding and garbage after the end", async () => {
  const tails = [Buffer.alloc(0), Buffer.alloc(20), Buffer.from("rubbish")];
  const short = text.subarray(0, 2_000);
  for (const [coding, encode] of Object.entries(coders)) {
    for (const tail of tails) {
      const coded = Buffer.concat([encode(short), tail]);
      const expected = await Promise.resolve(decode(coded, coding, { maxBytes: 1e9 })).then(
        String,
        (error: Error) => error.name,
      );
      for (const cuts of [[1], [coded.length], [encode(short).length]]) {
        const got = await readAll(
          decodeStream(source(cutUp(coded, cuts)), coding, { maxBytes: Infinity }),
        ).then(String, (error: Error) => error.name);
        assert.equal(
          got === expected,
          true,
          `${coding} + ${tail.length} in ${String(cuts)}: ${got.slice(0, 50)}, ${expected.slice(0, 50)}`,
        );
      }
    }
  }
});

test("stops at the limit of decoded bytes without reading the rest", async () => {
  const bomb = zlib.gzipSync(Buffer.alloc(200_000_000));
  const body = source(cutUp(bomb, [1_000]));
  const before = process.memoryUsage().rss;

  const { bytes, error } = await outcome(decodeStream(body, "gzip", { maxBytes: 1_000_000 }));

  assert.ok(error instanceof BodyTooLargeError);
  assert.ok(bytes <= 1_000_000);
  assert.ok(body.reads < 10, `${body.reads} reads`);
  assert.ok(process.memoryUsage().rss - before < 50_000_000);
});

test("decodes only as far as it is read", async () => {
  const body = source(cutUp(zlib.gzipSync(Buffer.alloc(200_000_000)), [1_000]));
  const decoded = decodeStream(body, "gzip", { maxBytes: Infinity });

  await decoded.read();
  await new Promise((resolve) => setImmediate(resolve));

  assert.ok(body.reads <= 2, `${body.reads} reads`);
});

test("cancel cancels the source and ends the read under way", async () => {
  const reason = new Error("enough");
  const stuck: BodySource & { cancelled?: unknown } = {
    read: () =>
      new Promise(
        (_, reject) => (stuck.cancel = (why) => reject(Object.assign(new Error("source"), { why }))),
      ),
    cancel: () => undefined,
  };
  const body = source(cutUp(zlib.gzipSync(text), [100]));
  const decoded = decodeStream(body, "gzip", { maxBytes: Infinity });
  await decoded.read();

  decoded.cancel(reason);
  const waiting = decodeStream(stuck, "gzip", { maxBytes: Infinity });
  const read = waiting.read();
  waiting.cancel(reason);

  assert.equal(body.cancelled, reason);
  await assert.rejects(decoded.read(), reason);
  await assert.rejects(read, { message: "source", why: reason });
});
