import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { chunked, endlessBody, respond } from "../index.ts";
import { cutPoint, split, wireBytes } from "./split.ts";
import type { Reply } from "./steps.ts";

const reply: Reply = [
  ...respond(103),
  { wait: 1 },
  ...chunked(200, ["hello", "world"], { trailers: { a: "b" } }),
  { end: "fin" },
];

function wire(part: Reply): string {
  return Buffer.concat(part.map((step) => wireBytes(step) ?? Buffer.alloc(0))).toString();
}

test("splits a reply into parts that make the whole, the first with the requested length", () => {
  const all = wire(reply);
  fc.assert(
    fc.property(fc.nat(all.length + 10), (bytes) => {
      const [kept, rest] = split(reply, bytes);
      assert.equal(wire(kept) + wire(rest), all);
      assert.equal(wire(kept).length, Math.min(bytes, all.length));
    }),
  );
});

test("keeps the pace of a slow step in both parts", () => {
  const [kept, rest] = split([{ send: "abcd", by: 1, every: 5 }], 1);

  assert.deepEqual(kept, [{ send: Buffer.from("a"), by: 1, every: 5 }]);
  assert.deepEqual(rest, [{ send: Buffer.from("bcd"), by: 1, every: 5 }]);
});

test("takes the requested number of bytes from an endless step", () => {
  const endless = endlessBody(200, { piece: "abc", every: 7 });

  const [kept] = split(endless, cutPoint(endless, { atBody: 7 }));

  assert.deepEqual(kept.at(-1), { send: Buffer.from("abcabca"), by: 3, every: 7 });
});

test("counts all repetitions of a limited repeat", () => {
  const [kept, rest] = split([{ repeat: "ab", times: 3 }, { send: "cd" }], 7);

  assert.deepEqual(kept, [{ repeat: "ab", times: 3 }, { send: Buffer.from("c") }]);
  assert.deepEqual(rest, [{ send: Buffer.from("d") }]);
});

test("counts places from the start, from the body and from the end", () => {
  const raw: Reply = [{ send: "HTTP/1.1 200 OK\r\n\r\nhello" }];

  assert.equal(cutPoint(raw, { at: 3 }), 3);
  assert.equal(cutPoint(raw, { atBody: 2 }), 21);
  assert.equal(cutPoint(raw, { beforeEnd: 1 }), 23);
  assert.equal(cutPoint([{ send: "no head" }], { atBody: 0 }), 7);
});
