import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatSidecar,
  toContinuablePart,
  parseSidecar,
  reliableBytes,
  unsyncedBytes,
  type Sidecar,
} from "./sidecar.ts";

const sidecar: Sidecar = {
  resourceHash: "abc",
  validator: '"v1"',
  total: 200,
  digests: [{ algorithm: "sha-256", hex: "00" }],
  boot: "this",
};

test("parses a formatted sidecar", () => {
  const less = { ...sidecar, total: undefined, boot: undefined, digests: [] };

  assert.deepEqual(parseSidecar(formatSidecar(sidecar)), sidecar);
  assert.deepEqual(parseSidecar(formatSidecar(less)), less);
});

test("rejects a validator that no server could have sent", () => {
  for (const validator of [
    "",
    "v1",
    'W/"v1"',
    '"v1"\r\nx-injected: 1',
    '"☃"',
    "yesterday",
    "Mon, 02 Jan 2023 00:00:00 GMT\r\nx-injected: 1",
  ])
    assert.equal(parseSidecar(formatSidecar({ ...sidecar, validator })), undefined, validator);
  const dated = { ...sidecar, validator: "Mon, 02 Jan 2023 00:00:00 GMT" };
  assert.deepEqual(parseSidecar(formatSidecar(dated)), dated);
});

test("rejects a torn, damaged or differently versioned sidecar", () => {
  const text = formatSidecar(sidecar);
  for (const [from, to] of [
    ['"version": 1', '"version": 2'],
    ['"abc"', "7"],
    ["200", "-1"],
    ["200", '"200"'],
    ["sha-256", "sha-1"],
    ['"this"', "[]"],
    ['"digests"', '"digest"'],
  ] as const)
    assert.equal(parseSidecar(text.replace(from, to)), undefined, to);
  for (let length = 0; length < text.length - 2; length += 1)
    assert.equal(parseSidecar(text.slice(0, length)), undefined);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (other) => void parseSidecar(other)),
    { numRuns: 500 },
  );
});

test("trusts the whole part within one boot, and only the synced bytes after another", () => {
  const size = unsyncedBytes + 1_000;
  assert.equal(reliableBytes(size, sidecar, "this"), size);
  assert.equal(reliableBytes(size, sidecar, "another"), 1_000);
  assert.equal(reliableBytes(size, sidecar, undefined), 1_000);
  assert.equal(reliableBytes(size, { boot: undefined }, undefined), 1_000);
  assert.equal(reliableBytes(1_000, sidecar, "another"), 0);
});

test("continues a part after its last byte, but a complete part at its last byte", () => {
  const table: readonly (readonly [number, number | undefined, number | undefined])[] = [
    [80, 200, 80],
    [199, 200, 199],
    [200, 200, 199],
    [201, 200, undefined],
    [0, 200, undefined],
    [1, 1, undefined],
    [80, undefined, 80],
    [0, undefined, undefined],
  ];
  for (const [bytes, total, offset] of table)
    assert.equal(
      toContinuablePart({ ...sidecar, total }, bytes)?.offset,
      offset,
      `${bytes} of ${String(total)}`,
    );
});
