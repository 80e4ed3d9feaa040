import assert from "node:assert/strict";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { toBody, type Body } from "../../model/body.ts";
import { Upload } from "./upload.ts";

function factory(): Extract<Body, { kind: "factory" }> & { readonly made: Readable[] } {
  const made: Readable[] = [];
  const make = (): Readable => {
    const stream = Readable.from([Buffer.from("ab"), Buffer.from("cd")]);
    made.push(stream);
    return stream;
  };
  return { kind: "factory", make, made };
}

async function textOf(body: unknown): Promise<string> {
  let text = "";
  for await (const piece of body as AsyncIterable<Uint8Array>) text += Buffer.from(piece).toString();
  return text;
}

test("small bodies go out whole, large ones in pieces of 64 KiB with their length", () => {
  const small = new Upload({ kind: "bytes", bytes: "ab" }).open();
  const large = new Upload({ kind: "bytes", bytes: "é".repeat(100_000) }).open();

  assert.deepEqual(small, { body: "ab" });
  assert.equal(large.length, 200_000);
  const pieces = [...(large.body as Iterable<Uint8Array>)].map(({ length }) => length);
  assert.deepEqual(pieces, [65_536, 65_536, 65_536, 3_392]);
});

test("a factory is called again only after its stream was read", async () => {
  const body = factory();
  const upload = new Upload(body);

  upload.open();
  const again = upload.open();
  assert.equal(body.made.length, 1);
  assert.equal(await textOf(again.body), "abcd");
  upload.open();

  assert.equal(body.made.length, 2);
  assert.ok(body.made[0]?.destroyed);
});

test("a connection receives a stream piece by piece", async () => {
  const { body } = new Upload(factory()).open();

  assert.ok(!(body instanceof Readable));
  assert.equal(await textOf(body), "abcd");
});

test("destroys streams of a factory, but not the caller's one-shot stream", () => {
  const made = factory();
  const lent = Readable.from([Buffer.from("x")]);
  for (const body of [made, { kind: "one-shot", stream: lent } as const]) {
    const upload = new Upload(body);
    upload.open();
    upload.discard();
  }

  assert.deepEqual([made.made[0]?.destroyed, lent.destroyed], [true, false]);
});

test("only a one-shot stream that was read is not replayable", async () => {
  const stream = Readable.from([Buffer.from("x")]);
  const once = new Upload({ kind: "one-shot", stream });
  const many = new Upload(factory());
  const before = [once.isReplayable, many.isReplayable];

  await textOf(once.open().body);
  await textOf(many.open().body);

  assert.deepEqual([before, once.isReplayable, many.isReplayable], [[true, true], false, true]);
});

test("recognises the error of the caller's stream", async () => {
  const broken = new Error("the disk is gone");
  const stream = new Readable({ read: () => stream.destroy(broken) });
  const upload = new Upload({ kind: "one-shot", stream });

  await assert.rejects(textOf(upload.open().body), broken);

  assert.deepEqual([upload.failedWith(broken), upload.failedWith(new Error("another"))], [true, false]);
});

test("frees the pieces of a blob once they were sent, and keeps the pieces of other bodies", async () => {
  const blob = new Blob(["x".repeat(200_000)]);
  for (const [body, isFreed] of [
    [toBody(blob), true],
    [toBody(() => Readable.from([Buffer.alloc(100_000)])), false],
  ] as const) {
    const { body: pieces } = new Upload(body).open();
    assert.ok(typeof pieces === "object" && pieces !== null && "piecesSent" in pieces);
    for await (const piece of pieces) {
      assert.notEqual(piece.length, 0);
      pieces.piecesSent?.();
      assert.equal(piece.length === 0, isFreed);
    }
  }

  assert.equal(await blob.text(), "x".repeat(200_000));
});

test("recognises the end of a stream that the caller destroyed", async () => {
  const stream = new PassThrough();
  const upload = new Upload({ kind: "one-shot", stream });
  const read = textOf(upload.open().body);
  stream.write("some");
  setImmediate(() => stream.destroy());

  const error: unknown = await read.catch((failure: unknown) => failure);

  assert.equal(Reflect.get(Object(error), "code"), "ERR_STREAM_PREMATURE_CLOSE");
  assert.ok(upload.failedWith(error));
});
