import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { decode } from "./decode.ts";

const text = Buffer.from("hello, hello, hello ".repeat(50));
const large = Buffer.from(
  Array.from({ length: 40_000 }, (_, line) => `${(line * 7_919) % 65_537}\n`).join(""),
);
const limit = { maxBytes: 2 ** 31 };

const coders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  "x-gzip": (bytes) => zlib.gzipSync(bytes),
  deflate: (bytes) => zlib.deflateSync(bytes),
  br: (bytes) => zlib.brotliCompressSync(bytes),
  zstd: (bytes) => zlib.zstdCompressSync(bytes),
};

function codeOf(call: () => unknown): Promise<string> {
  return Promise.resolve()
    .then(call)
    .then(
      () => "no error",
      (error: unknown) => String(Reflect.get(Object(error), "code")),
    );
}

for (const [name, encode] of Object.entries(coders)) {
  test(`decodes ${name}, small bodies on this thread and large ones on another`, async () => {
    for (const body of [text, large]) assert.ok((await decode(encode(body), name, limit)).equals(body));
  });

  test(`reports ${name} as incomplete when it is cut at any byte`, async () => {
    for (const body of [text, large]) {
      const whole = encode(body);
      for (let at = 1; at < whole.length; at += Math.ceil(whole.length / 60)) {
        assert.equal(
          await codeOf(() => decode(whole.subarray(0, at), name, limit)),
          "ERR_INCOMPLETE_BODY",
          `at ${at}`,
        );
      }
    }
  });

  test(`rejects ${name} that decodes to more than the limit`, async () => {
    for (const body of [text, large]) {
      assert.equal(
        await codeOf(() => decode(encode(body), name, { maxBytes: body.length - 1 })),
        "ERR_BODY_TOO_LARGE",
      );
      assert.equal((await decode(encode(body), name, { maxBytes: body.length })).length, body.length);
    }
  });

  test(`rejects a body that is not ${name}`, async () => {
    assert.equal(
      await codeOf(() => decode(Buffer.from("<html>no such thing</html>"), name, limit)),
      "ERR_DECODE",
    );
  });
}

const behind: readonly (readonly [what: string, bytes: Buffer, rejects: RegExp])[] = [
  // gzip has no bytes after its last member, so that they cannot belong to the body.
  ["text", Buffer.from("garbage"), /^(?!.*gzip)/],
  ["two bytes", Buffer.from([7, 7]), /^(?!.*gzip)/],
  ["text after padding", Buffer.from("\0\0garbage"), /^(?!.*gzip)/],
  // zstd has skippable frames for padding (RFC 8878 §3.1.2).
  ["padding", Buffer.alloc(512), /zstd/],
];

for (const [what, bytes, rejects] of behind) {
  test(`handles ${what} after the end of a coding alike for small and large bodies`, async () => {
    for (const [name, encode] of Object.entries(coders)) {
      for (const body of [text, large]) {
        assert.equal(
          await codeOf(() => decode(Buffer.concat([encode(body), bytes]), name, limit)),
          rejects.test(name) ? "ERR_DECODE" : "no error",
          name,
        );
      }
    }
  });
}

test("reports a truncated second member of gzip or frame of zstd as incomplete", async () => {
  for (const [name, begun] of [
    ["gzip", [0x1f]],
    ["gzip", [0x1f, 0x8b]],
    ["gzip", [0x1f, 0x8b, 8]],
    ["gzip", [...zlib.gzipSync("second").subarray(0, -1)]],
    ["zstd", [0x28, 0xb5]],
  ] as const) {
    const coded = Buffer.concat([coders[name]?.(text) ?? Buffer.alloc(0), Buffer.from(begun)]);

    assert.equal(await codeOf(() => decode(coded, name, limit)), "ERR_INCOMPLETE_BODY");
  }
});

test("ignores bytes after gzip that begin no other member", async () => {
  const members = Buffer.concat([zlib.gzipSync(text), zlib.gzipSync(large)]);
  for (const tail of [
    [7],
    [0x1f, 0x8a],
    [0x1f, 0x8b, 7],
    [0x8b, 0x1f],
    [0, 0x1f, 0x8b, 8],
    Buffer.from("<!-- x -->"),
  ]) {
    const decoded = await decode(Buffer.concat([members, Buffer.from(tail)]), "gzip", limit);

    assert.ok(decoded.equals(Buffer.concat([text, large])), String(tail));
    assert.equal(
      await codeOf(() =>
        decode(Buffer.concat([members, Buffer.from(tail)]), "gzip", {
          maxBytes: text.length + large.length - 1,
        }),
      ),
      "ERR_BODY_TOO_LARGE",
    );
  }
});

test("rejects a gzip member that is damaged, also the second one before other bytes", async () => {
  const whole = zlib.gzipSync(text);
  for (const at of [0, 3, 15, whole.length - 8, whole.length - 1]) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    const second = at < 3 ? damaged : Buffer.concat([whole, damaged]);

    const code = await codeOf(() => decode(Buffer.concat([second, Buffer.from("tail")]), "gzip", limit));

    assert.match(code, /^ERR_(DECODE|INCOMPLETE_BODY)$/, `at ${at}`);
  }
});

test("decodes deflate with and without the zlib format", async () => {
  assert.ok((await decode(zlib.deflateRawSync(text), "deflate", limit)).equals(text));
  assert.ok((await decode(zlib.deflateRawSync(large), "deflate", limit)).equals(large));
});

test("distinguishes raw deflate from the zlib format for any content", () =>
  fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 9 }),
      async (bytes, level) => {
        const body = Buffer.from(bytes);
        assert.ok((await decode(zlib.deflateRawSync(body, { level }), "deflate", limit)).equals(body));
        assert.ok((await decode(zlib.deflateSync(body, { level }), "deflate", limit)).equals(body));
      },
    ),
  ));

test("decodes all frames of zstd (RFC 8878 §3.1) and limits their sum", async () => {
  for (const body of [text, large]) {
    const frames = Buffer.concat([zlib.zstdCompressSync(body), zlib.zstdCompressSync(body)]);
    assert.ok((await decode(frames, "zstd", limit)).equals(Buffer.concat([body, body])));
    assert.equal(
      await codeOf(() => decode(frames, "zstd", { maxBytes: 2 * body.length - 1 })),
      "ERR_BODY_TOO_LARGE",
    );
  }
});

test("decodes several codings from the last to the first", async () => {
  const body = zlib.brotliCompressSync(zlib.gzipSync(text));

  assert.ok((await decode(body, "gzip, BR", limit)).equals(text));
});

test("leaves a body without a coding, or with an unknown one, unchanged", async () => {
  for (const name of [undefined, "", "identity", "compress", "aes128gcm", "constructor", "__proto__"])
    assert.equal(await decode(text, name, limit), text);
});

test("rejects six codings before decoding any", async () => {
  assert.equal(await codeOf(() => decode(text, "gzip,gzip,gzip,gzip,gzip,gzip", limit)), "ERR_DECODE");
});
