import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { FileWriter, type FileWriterEvents } from "./file-writer.ts";

/** The size of a full write. */
const batch = 512 * 1024;
const maxUnsynced = 4 * batch;
const refused = new Error("The disk refused the bytes");

/** A file in memory whose operations last until they are settled. */
class SlowFile {
  content = Buffer.alloc(0);
  /** Sizes of the writes that have started. */
  readonly writes: number[] = [];
  syncs = 0;
  /** The most bytes that one write takes. */
  maxWrite = Infinity;
  /** Operations that are under way. */
  readonly pendingWrites: PromiseWithResolvers<void>[] = [];
  readonly pendingSyncs: PromiseWithResolvers<void>[] = [];
  isSlow = false;

  async writev(pieces: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }> {
    const bytes = Buffer.concat(pieces).subarray(0, this.maxWrite);
    this.writes.push(bytes.length);
    await this.#wait(this.pendingWrites);
    this.content = Buffer.concat([this.content.subarray(0, position), bytes]);
    return { bytesWritten: bytes.length };
  }

  async datasync(): Promise<void> {
    this.syncs += 1;
    await this.#wait(this.pendingSyncs);
  }

  async truncate(length: number): Promise<void> {
    this.content = this.content.subarray(0, length);
  }

  #wait(pending: PromiseWithResolvers<void>[]): Promise<void> {
    if (!this.isSlow) return Promise.resolve();
    const operation = Promise.withResolvers<void>();
    pending.push(operation);
    return operation.promise;
  }
}

function openWriter(events: Partial<FileWriterEvents> = {}) {
  const clock = fakeClock({ autoAdvance: false });
  const file = new SlowFile();
  const released: Uint8Array[] = [];
  const failures: unknown[] = [];
  const writer = new FileWriter({
    file,
    clock,
    maxUnsynced,
    bodyMemory: { release: (piece) => void released.push(piece) },
    events: {
      prepare: () => Promise.resolve(),
      written: () => undefined,
      failed: (error) => void failures.push(error),
      ...events,
    },
  });
  return { clock, file, released, failures, writer };
}

function piece(bytes: number, fill: number): Buffer {
  return Buffer.alloc(bytes, fill);
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => (settled = true),
    () => (settled = true),
  );
  await turn();
  return !settled;
}

test("the writer joins small pieces to a write of 512 KiB, and releases them", async () => {
  const { file, released, writer } = openWriter();
  const pieces = Array.from({ length: 20 }, (_, index) => piece(64 * 1024, index));

  for (const next of pieces) await writer.write(next);
  await writer.flush();

  assert.deepEqual(file.writes, [batch, batch, batch / 2]);
  assert.ok(Buffer.concat(pieces).equals(file.content));
  assert.equal(writer.position, file.content.length);
  assert.equal(released.length, 20);
});

test("the writer takes one more batch while a batch is written, and then waits", async () => {
  const { file, writer } = openWriter();
  file.isSlow = true;

  await writer.write(piece(batch, 1));
  const second = writer.write(piece(batch, 2));

  assert.ok(await isPending(second));
  assert.deepEqual(file.writes, [batch]);
  file.pendingWrites.shift()?.resolve();
  assert.equal(await isPending(second), false);
  assert.deepEqual(file.writes, [batch, batch]);
});

test("the writer writes the bytes of a slow body after 50 ms", async () => {
  const { clock, file, writer } = openWriter();

  await writer.write(piece(10, 1));
  await writer.write(piece(10, 2));
  await clock.advance(49);
  await turn();
  assert.deepEqual(file.writes, []);
  await clock.advance(1);
  await turn();

  assert.deepEqual(file.writes, [20]);
});

test("the writer syncs while it writes, and never leaves more unsynced bytes than allowed", async () => {
  const { file, writer } = openWriter();
  const syncs: PromiseWithResolvers<void>[] = [];
  file.datasync = () => {
    const sync = Promise.withResolvers<void>();
    syncs.push(sync);
    return sync.promise;
  };

  await writer.write(piece(batch, 0));
  await turn();
  assert.equal(syncs.length, 0);
  for (let next = 1; next < 4; next += 1) await writer.write(piece(batch, next));
  await turn();
  assert.deepEqual([syncs.length, file.content.length], [1, maxUnsynced]);
  await writer.write(piece(batch, 4));
  const waiting = writer.write(piece(batch, 5));
  assert.ok(await isPending(waiting));
  assert.equal(file.content.length, maxUnsynced);

  syncs[0]?.resolve();
  await waiting;
  await turn();

  // The first sync covered the two batches that were in the file when it started, so two more may follow.
  assert.deepEqual([syncs.length, file.content.length], [2, maxUnsynced + 2 * batch]);
  await writer.write(piece(batch, 6));
  const last = writer.write(piece(batch, 7));
  assert.ok(await isPending(last));
  assert.equal(file.content.length, maxUnsynced + 2 * batch);
  for (const sync of syncs) sync.resolve();
  await last;
});

test("the writer writes the rest of a partial write", async () => {
  const { file, writer } = openWriter();
  file.maxWrite = 300;

  await writer.write(piece(200, 1));
  await writer.write(piece(200, 2));
  await writer.write(piece(400, 3));
  await writer.flush();

  assert.deepEqual(file.writes, [300, 300, 200]);
  assert.ok(Buffer.concat([piece(200, 1), piece(200, 2), piece(400, 3)]).equals(file.content));
});

test("the writer splits a piece that is larger than a batch", async () => {
  const { file, writer } = openWriter();

  await writer.write(piece(2.5 * batch, 1));
  await writer.flush();

  assert.deepEqual(file.writes, [batch, batch, batch / 2]);
});

const failing: Readonly<Record<string, (at: ReturnType<typeof openWriter>) => void>> = {
  "a write": ({ file }) => (file.writev = () => Promise.reject(refused)),
  "a sync": ({ file }) => (file.datasync = () => Promise.reject(refused)),
};

for (const [name, fail] of Object.entries(failing)) {
  test(`the error of ${name} is reported at once, thrown by every later call, and releases nothing more`, async () => {
    const at = openWriter();
    fail(at);

    // Two batches: enough for a sync.
    for (const next of [1, 2]) await at.writer.write(piece(batch, next)).catch(() => undefined);
    await at.writer.settle();
    const releasedBefore = at.released.length;

    assert.deepEqual(at.failures, [refused]);
    await assert.rejects(at.writer.write(piece(10, 2)), refused);
    await assert.rejects(at.writer.flush(), refused);
    assert.equal(at.released.length, releasedBefore);
  });
}

test("bytes that may not be written stay out of the file, and so does everything after them", async () => {
  const { failures, file, writer } = openWriter({ prepare: () => Promise.reject(refused) });

  await writer.write(piece(10, 1));
  await writer.settle();

  assert.deepEqual([failures, file.writes], [[refused], []]);
});

test("an error of the listener ends the writer after its bytes are in the file", async () => {
  const { file, writer } = openWriter({
    written: () => {
      throw refused;
    },
  });

  await writer.write(piece(10, 1));
  await assert.rejects(writer.flush(), refused);

  assert.equal(file.content.length, 10);
});

test("truncating drops the pieces that are not written, and later pieces follow the rest", async () => {
  const { file, writer } = openWriter();
  await writer.write(piece(10, 1));
  await writer.flush();
  await writer.write(piece(10, 2));

  await writer.truncate(4);
  await writer.write(piece(3, 3));
  await writer.flush();

  assert.deepEqual([...file.content], [1, 1, 1, 1, 3, 3, 3]);
  assert.equal(writer.position, 7);
});
