import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { inspect } from "node:util";
import { fakeClock } from "@holdfast/policy/testing";
import { channelNames, logTo, Retry, Session } from "@holdfast/http";
import { scriptedAdapter } from "@holdfast/http/testing";
import type { ProxySource } from "../options/options.ts";
import { ProxyPool } from "./pool.ts";

const secret = "hunter2000";
const plain = "https://a.test/";

/** Places of a credential in the source of a pool. */
const pools: Readonly<Record<string, ProxySource>> = {
  "a URL": [`http://me:${secret}@127.0.0.1:1`],
  "a line of the form host:port:user:pass": [`127.0.0.1:1:me:${secret}`],
  "a user name": [`http://${secret}:x@127.0.0.1:1`],
  "the values of a template": [{ url: "me-{session}:{pass}@127.0.0.1:1", values: { pass: secret } }],
  "the country of a template": [{ url: "me-{country}:x@127.0.0.1:1", country: secret }],
  "a callback": [
    { url: "127.0.0.1:1", credentials: () => Promise.resolve({ username: "me", password: secret }) },
  ],
  "a callback that fails": [
    { url: "127.0.0.1:1", credentials: () => Promise.reject(new Error(`no ${secret}`)) },
  ],
};

for (const [place, source] of Object.entries(pools)) {
  test(`no event, log, error or statistic shows the credentials of a pool in ${place}`, async () => {
    const clock = fakeClock();
    const events: unknown[] = [];
    const proxy = new ProxyPool(source, { clock, sticky: () => secret, on: (event) => events.push(event) });
    const session = new Session({ clock, proxy, retry: new Retry({ total: 1 }) });
    session.mount("https://", scriptedAdapter([{ status: 403 }], { clock }));

    const seen = [await collectOutput(session, plain), await collectOutput(session, plain)].join("\n");
    const shown =
      JSON.stringify([events, proxy.stats()]) + inspect([events, proxy, proxy.stats()], { depth: 9 });

    assert.ok(!(seen + shown).includes(secret), seen + shown);
    assert.match(seen + shown, /http:\/\/127\.0\.0\.1:1/);
  });
}

test("no log, error or statistic shows the session id of a vendor", async () => {
  const clock = fakeClock();
  const sessions: string[] = [];
  const proxy = new ProxyPool(["me-{session:digits12}:x@127.0.0.1:1"], { clock });
  const adapter = scriptedAdapter(
    [
      ({ proxy: via = "" }) => {
        sessions.push(new URL(via).username.slice(3));
        return { status: 403 };
      },
    ],
    { clock },
  );
  const session = new Session({ clock, proxy, retry: new Retry({ total: 2 }) }).mount("https://", adapter);

  const seen = (await collectOutput(session, plain)) + JSON.stringify(proxy.stats());

  assert.equal(new Set(sessions).size, 3);
  for (const id of sessions) assert.ok(id.length === 12 && !seen.includes(id), seen);
});

/** Collects everything that one failing call shows: errors, logs, channels, responses and attempts. */
async function collectOutput(session: Session, url: string): Promise<string> {
  const seen: string[] = [];
  const listen = (message: unknown): void => void seen.push(JSON.stringify(message), inspect(message));
  const write = (line: string): void => void seen.push(line);
  const logger = { debug: write, warn: write, error: write };
  const hooks = logTo(logger, { headers: true, sensitiveHeaders: ["X-Tenant"] });
  for (const name of Object.values(channelNames)) subscribe(name, listen);
  try {
    (await session.get(url, { hooks })).raiseForStatus();
    assert.fail("the call must fail");
  } catch (error) {
    assert.ok(error instanceof Error && error.name !== "AssertionError");
    seen.push(JSON.stringify(error), String(error), String(error.stack), inspect(error, { depth: 9 }));
    if ("response" in error) seen.push(inspect(error.response), JSON.stringify(error.response));
    if ("attempts" in error) seen.push(JSON.stringify(error.attempts), inspect(error.attempts));
  } finally {
    for (const name of Object.values(channelNames)) unsubscribe(name, listen);
  }
  return seen.join("\n");
}
