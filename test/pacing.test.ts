import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "@holdfast/http";
import { bucket, fixedWindow, limitedOrigin, slidingLog, type SimulatedServer } from "@holdfast/http/testing";
import { runClients } from "./support/concurrent-clients.ts";

const ten = { requests: 10, window: 1_000 };
const ms = 8_000;
// A busy machine takes longer than a second to send a hundred concurrent requests.
const settled = 3_000;

const servers: readonly (readonly [what: string, limit: SimulatedServer])[] = [
  ["a fixed window, with Retry-After", fixedWindow(ten, (_left, until) => ({ delay: until }))],
  ["a sliding window, with Retry-After", slidingLog(ten, { delay: 1_000 })],
  ["a token bucket, with Retry-After", bucket(ten, 10, { delay: 1_000 })],
  [
    "a fixed window, with RateLimit and its policy",
    fixedWindow(ten, (left, until) => ({
      limit: ten,
      spent: left === 0,
      ...(left <= 0 && { delay: until }),
    })),
  ],
];

// What it comes to is played in simulated time beside the rule, and measured by `npm run bench:pacing`; here it is only
// seen to work over sockets, on a machine that may have its hands full.
test(
  "a hundred clients of a server with ten requests a second keep to that pace",
  { concurrency: true },
  async (t) => {
    await Promise.all(
      servers.map(([what, limit]) =>
        t.test(what, async () => {
          await using origin = await limitedOrigin(limit);
          await using session = new Session();

          await runClients(session, { url: origin.url, clients: 100, ms });

          const all = origin.counts(0, ms);
          const { accepted, refused } = origin.counts(settled, ms);
          assert.ok(
            refused <= 0.1 * (accepted + refused),
            `${refused} of ${accepted + refused} were refused`,
          );
          assert.ok(all.accepted > 0.6 * 80, `${all.accepted} of 80 were used`);
        }),
      ),
    );
  },
);
