import assert from "node:assert/strict";
import type { ClientHttp2Session } from "node:http2";
import { test } from "node:test";
import { Liveness } from "./liveness.ts";

/** Checks a connection every 100 ms from 0 to `until`. Returns when it sent PINGs, and when it was found dead. */
function check(
  {
    readLimits,
    bytesAt = () => 0,
  }: { readonly readLimits: readonly number[]; readonly bytesAt?: (now: number) => number },
  until = 60_000,
): { readonly pings: readonly number[]; readonly deadAt: number | undefined } {
  const pings: number[] = [];
  let now = 0;
  const session = { destroyed: false, ping: () => pings.push(now) } as unknown as ClientHttp2Session;
  const liveness = new Liveness(session);
  for (; now <= until; now += 100)
    for (const readLimit of readLimits)
      if (liveness.isDead(now, readLimit, () => bytesAt(now))) return { pings, deadAt: now };
  return { pings, deadAt: undefined };
}

test("a silent connection gets a PING after a third of the read limit, and is dead after another third", () => {
  assert.deepEqual(check({ readLimits: [3_000] }), { pings: [1_000], deadAt: 2_000 });
});

test("the waits are ten and twenty seconds at most", () => {
  assert.deepEqual(check({ readLimits: [600_000] }), { pings: [10_000], deadAt: 30_000 });
});

test("the smallest read limit of the waiting requests counts", () => {
  assert.deepEqual(check({ readLimits: [600_000, 3_000, 60_000] }).deadAt, 2_000);
});

test("any byte is a reply to a PING", () => {
  // The acknowledgement arrives half a second after the PING.
  const replied = check({ readLimits: [3_000], bytesAt: (now) => (now < 1_500 ? 0 : 17) }, 2_400);

  assert.deepEqual(replied, { pings: [1_000], deadAt: undefined });
});

test("a connection that keeps receiving gets no PING", () => {
  assert.deepEqual(check({ readLimits: [3_000], bytesAt: (now) => now }), { pings: [], deadAt: undefined });
});
