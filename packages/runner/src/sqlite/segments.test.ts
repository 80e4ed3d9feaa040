import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Folder } from "@holdfast/http/internal/files";
import { makeRunDirectory } from "../testing/run-directory.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import { type CommittedSegment, SegmentReader, segmentPath, SegmentWriter } from "./segments.ts";

const meta = {
  id: 1,
  url: "https://example.com/",
  status: 200,
  headers: [["a", "b\n"]] as const,
  attempts: [{ number: 1 }],
};

function encoded(body: Uint8Array): Buffer {
  return Buffer.concat([...encodeRecord(meta, body)]);
}

describe("encodeRecord", () => {
  it("encodes a large body in pieces, of which none may be missing or elsewhere", () => {
    const body = Buffer.alloc(9_000_000, "some text. ");
    const pieces = [...encodeRecord(meta, body)];

    const record = decodeRecord(Buffer.concat(pieces));

    assert.equal(pieces.length, 4, "the line, and three pieces of at most 4 MiB");
    assert.deepEqual(record?.meta, meta);
    assert.ok(body.equals(record.body));
    for (const missing of pieces.keys())
      assert.equal(decodeRecord(Buffer.concat(pieces.toSpliced(missing, 1))), undefined);
    assert.equal(decodeRecord(Buffer.concat(pieces.with(1, pieces[2] ?? Buffer.alloc(0)))), undefined);
  });

  it("round-trips any body through decodeRecord", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000 }), (body) => {
        const record = decodeRecord(encoded(body));

        assert.deepEqual(record?.meta, meta);
        assert.deepEqual(Uint8Array.from(record?.body ?? []), body);
      }),
    );
  });

  it("makes decodeRecord return undefined when one bit is flipped or the end is missing", () => {
    const bytes = encoded(Buffer.from("some text ".repeat(20)));
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const damaged = Buffer.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));

        assert.equal(decodeRecord(damaged), undefined);
      }),
    );
    for (let end = 0; end < bytes.length; end += 1)
      assert.equal(decodeRecord(bytes.subarray(0, end)), undefined);
  });
});

const openFolder = (directory: string): Folder => Folder.open(realpathSync(directory));

function openWriter(
  directory: string,
  committed: CommittedSegment | undefined,
  maxBytes = 1_000_000,
): SegmentWriter {
  const modes = () => ({ file: 0o600, folder: 0o700 });
  return new SegmentWriter({ folder: openFolder(directory), modes, committed, maxBytes });
}

describe("SegmentWriter", () => {
  const piecesOf = (...texts: readonly string[]): readonly Buffer[] => texts.map((text) => Buffer.from(text));

  it("writes records that SegmentReader reads at their places, across files", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined, 10);
    const texts = ["one", "two-two", "three", "much longer than a file", "five"];

    const locations = texts.map((text) => writer.append(piecesOf(text)));
    writer.sync();
    const reader = new SegmentReader(openFolder(directory));

    assert.deepEqual(
      locations.map(({ segment, offset }) => [segment, offset]),
      [
        [1, 0],
        [1, 3],
        [2, 0],
        [3, 0],
        [4, 0],
      ],
    );
    assert.deepEqual(
      locations.map((location) => reader.read(location).toString()),
      texts,
    );
    reader.close();
    writer.close();
  });

  it("reads a record after it was closed, and not from a folder that has taken its place", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined, 10);
    const location = writer.append(piecesOf("one"));
    writer.sync();
    const folder = openFolder(directory);
    const reader = new SegmentReader(folder);

    reader.close();
    folder.close();
    // The next folder gets the number of the closed handle.
    const other = openFolder(makeRunDirectory());

    assert.equal(reader.read(location).toString(), "one");
    renameSync(directory, `${directory}-moved`);
    mkdirSync(directory);
    assert.throws(() => reader.read(location), { code: "ERR_FILE_ACCESS" });
    assert.throws(() => folder.entry("segments"), /used after it was closed/);
    other.close();
    writer.close();
  });

  it("writes nothing before sync", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined);

    writer.append(piecesOf("later"));

    assert.equal(readFileSync(segmentPath(directory, 1)).length, 0);
    writer.sync();
    assert.equal(readFileSync(segmentPath(directory, 1)).toString(), "later");
    writer.close();
  });

  it("writes a large record piece by piece, and all of its pieces into one segment", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined, 10);
    writer.append(piecesOf("one"));

    const location = writer.append(piecesOf("two", "a".repeat(9_000_000), "end"));

    assert.deepEqual(location, { segment: 1, offset: 3, length: 9_000_006 });
    assert.equal(readFileSync(segmentPath(directory, 1)).length, 9_000_006, "the last piece waits for sync");
    assert.equal(writer.append(piecesOf("next")).segment, 2);
    assert.equal(readFileSync(segmentPath(directory, 1)).toString().slice(-4), "aend");
    writer.close();
  });

  it("truncates to the committed length and removes later files", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined, 8);
    writer.append(piecesOf("kept"));
    writer.sync();
    const committed = writer.end;
    for (const text of ["torn", "more", "more"]) writer.append(piecesOf(text));
    writer.sync();
    writer.close();
    writeFileSync(segmentPath(directory, 2), "more");

    const again = openWriter(directory, committed, 8);
    const location = again.append(piecesOf("next"));
    again.sync();

    assert.deepEqual(location, { segment: 1, offset: 4, length: 4 });
    assert.equal(readFileSync(segmentPath(directory, 1)).toString(), "keptnext");
    assert.equal(existsSync(segmentPath(directory, 2)), false);
    again.close();
  });

  it("writes many small records in one sync", () => {
    const directory = makeRunDirectory();
    const writer = openWriter(directory, undefined);
    const texts = Array.from({ length: 3_000 }, (_, index) => String(index));

    for (const text of texts) writer.append(piecesOf(text));
    writer.sync();

    assert.equal(readFileSync(segmentPath(directory, 1)).toString(), texts.join(""));
    writer.close();
  });
});
