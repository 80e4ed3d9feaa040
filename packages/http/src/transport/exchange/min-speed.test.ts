import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { DeadlineExceededError, type Clock } from "@holdfast/policy";
import { ReadTimeoutError } from "../../errors/transport-errors.ts";
import { Session } from "../../session/session.ts";
import { SpeedWindow, type LimitedState } from "./limits.ts";

const started = performance.now();
/** A clock on which a second lasts 40 ms. */
const fastClock: Clock = {
  now: () => (performance.now() - started) * 25,
  date: () => Date.UTC(2026, 0, 1) + (performance.now() - started) * 25,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, Math.min(ms, 2 ** 31) / 25)),
};

/** Serves a body of 10,000 bytes in pieces, one every 20 ms. */
async function drip(pieceBytes: number): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
      let left = 10_000;
      const timer = setInterval(() => {
        const size = Math.min(left, pieceBytes);
        left -= size;
        if (size > 0) socket.write("x".repeat(size));
        if (left === 0) clearInterval(timer);
      }, 20);
      socket.on("close", () => clearInterval(timer));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`, server };
}

test("a body below 100 bytes a second for 60 seconds fails its attempt, although each byte comes in time", async () => {
  const { url, server } = await drip(1);
  const session = new Session({ clock: fastClock, retry: { total: 0 }, timeout: { read: "1h" } });

  const error = await session.get(url).catch((reason: unknown) => reason);

  assert.ok(error instanceof ReadTimeoutError);
  assert.match(error.message, /sent less than 100 bytes a second \(minSpeed\) for 60000 ms/);
  await session.close();
  server.close();
});

test("a slow body is complete above minSpeed, and with minSpeed 0", async () => {
  const session = new Session({ clock: fastClock, retry: { total: 0 }, timeout: { read: "1h" } });
  for (const [pieceBytes, minSpeed] of [
    [400, 100],
    [100, 0],
  ] as const) {
    const { url, server } = await drip(pieceBytes);

    assert.equal((await session.get(url, { minSpeed })).content.length, 10_000);
    server.close();
  }
  await session.close();
});

test("a streamed body has no slowest speed unless minSpeed is set", async () => {
  const session = new Session({ clock: fastClock, retry: { total: 0 }, timeout: { read: "1h" } });
  const [slow, limited] = [await drip(100), await drip(1)];

  const response = await session.get(slow.url, { stream: true });
  assert.equal((await response.bytes()).length, 10_000);
  const dripping = await session.get(limited.url, { stream: true, minSpeed: 10 });
  await assert.rejects(dripping.bytes(), ReadTimeoutError);

  await session.close();
  slow.server.close();
  limited.server.close();
});

test("the time in which no reader waits for the body does not count", () => {
  const speed = new SpeedWindow();
  const check = (activeAt: number, now: number): boolean => {
    const state: Pick<LimitedState, "activeAt" | "bodyBytes"> = { activeAt, bodyBytes: 0 };
    return speed.isTooSlow(state, 100, now);
  };

  for (let now = 0; now < 200_000; now += 10) assert.equal(check(Infinity, now), false);
  const slowAt = Array.from({ length: 10_000 }, (_, index) => 200_000 + 10 * index).find((now) =>
    check(now, now),
  );

  assert.equal(slowAt, 259_990);
});

test("the time of all attempts and redirects on the wire is limited, fast bodies and waits excluded", async () => {
  const { url, server } = await drip(1);
  const session = new Session({
    clock: fastClock,
    retry: { total: 9 },
    minSpeed: 100,
    timeout: { read: "1h" },
  });

  const error = await session.get(url, { timeout: { wire: "90s" } }).catch((reason: unknown) => reason);

  assert.ok(error instanceof DeadlineExceededError);
  assert.equal(error.limit, 90_000);
  server.close();
  const fast = await drip(400);
  assert.equal((await session.get(fast.url, { timeout: { wire: "20s" } })).status, 200);
  await session.close();
  fast.server.close();
});
