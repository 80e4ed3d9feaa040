import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseContentRange } from "./content-range.ts";

test("parses a Content-Range as RFC 9110 §14.4 defines it, and rejects any other text", () => {
  const table: Readonly<Record<string, ReturnType<typeof parseContentRange>>> = {
    "bytes 0-0/1": { first: 0, last: 0, complete: 1 },
    "bytes 80000-199999/200000": { first: 80_000, last: 199_999, complete: 200_000 },
    "bytes 5-9/*": { first: 5, last: 9, complete: undefined },
    "Bytes 5-9/10": { first: 5, last: 9, complete: 10 },
    "bytes */10": { first: undefined, complete: 10 },
    "bytes */*": undefined,
    "bytes 9-5/10": undefined,
    "bytes 5-10/10": undefined,
    "bytes 5-9": undefined,
    "bytes=5-9/10": undefined,
    "bytes -9/10": undefined,
    "bytes 5-/10": undefined,
    "bytes 5-9/10, bytes 0-4/10": undefined,
    "bytes 0x5-9/10": undefined,
    "bytes 5-9/1e9": undefined,
    "bytes +5-9/10": undefined,
    "bytes 5-9/9999999999999999": undefined,
    "pages 5-9/10": undefined,
    "": undefined,
  };
  for (const [text, expected] of Object.entries(table))
    assert.deepEqual(parseContentRange(text), expected, text);
  assert.equal(parseContentRange(null), undefined);
});

test("parses only possible ranges, and keeps their numbers, for any input", () => {
  const number = fc.oneof(fc.nat(20).map(String), fc.bigInt({ min: 0n, max: 10n ** 17n }).map(String));
  const shaped = fc
    .tuple(
      fc.constantFrom("bytes ", "bytes=", "bytes  ", ""),
      number,
      fc.constantFrom("-", "--", "/"),
      number,
      number,
    )
    .map(([unit, first, dash, last, complete]) => `${unit}${first}${dash}${last}/${complete}`);
  fc.assert(
    fc.property(fc.oneof(shaped, fc.string(), fc.mixedCase(shaped)), (text) => {
      const range = parseContentRange(text);
      if (range?.first === undefined) return;
      const { first, last, complete } = range;
      assert.ok(first <= last && last < (complete ?? Infinity) && Number.isSafeInteger(last));
      const canonical = text.toLowerCase().replaceAll(/(?<!\d)0+(?=\d)/g, "");
      assert.equal(canonical, `bytes ${first}-${last}/${complete ?? "*"}`);
    }),
    { numRuns: 2_000 },
  );
});
