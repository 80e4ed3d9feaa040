import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { areAttemptsObserved, channelNames, reportGiveUp } from "./diagnostics.ts";
import { TlsError } from "../errors/transport-errors.ts";
import type { GiveUp } from "./give-up.ts";
import { joinHooks } from "./hooks.ts";
import { errorVerdict, statusVerdict } from "../model/verdict.ts";
import { Session } from "../session/session.ts";
import { faultOrigin } from "../testing/origin/fault-origin.ts";
import { cut } from "../testing/replies/faults.ts";
import { respond } from "../testing/replies/respond.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/x?page=2&token=s3cret";
const summary = { method: "GET", url: "https://a.test/x?page=2&token=***" };
const request = {
  method: "GET",
  url: new URL(url),
  headers: {},
  body: { kind: "none" },
} as const;

type Messages = readonly (readonly [channel: string, message: unknown])[];

/** Returns the messages of all channels during a call. */
async function published(script: readonly ScriptedEntry[]): Promise<Messages> {
  const messages: (readonly [string, unknown])[] = [];
  const listen = (message: unknown, name: string | symbol): void =>
    void messages.push([String(name), message]);
  const { session } = scripted(script, { maxRedirects: 1 });
  for (const name of Object.values(channelNames)) subscribe(name, listen);
  try {
    await session.get(url).catch(() => undefined);
    return messages;
  } finally {
    for (const name of Object.values(channelNames)) unsubscribe(name, listen);
  }
}

const certificate = new TlsError("bad", { certificate: true, errno: "CERT_HAS_EXPIRED" });

test("a success publishes one message", async () => {
  const messages = await published([{ takes: "40ms" }]);

  assert.deepEqual(messages, [
    [
      "holdfast:attempt",
      {
        ...summary,
        number: 1,
        startedAt: 0,
        elapsed: 40,
        status: 200,
        verdict: statusVerdict(200),
        decision: "success",
      },
    ],
  ]);
});

test("a retry publishes its own message between the attempts", async () => {
  const messages = await published([{ status: 503, headers: { "retry-after": "7" } }, {}]);

  const retried = {
    ...summary,
    number: 1,
    startedAt: 0,
    elapsed: 0,
    status: 503,
    verdict: statusVerdict(503),
    decision: "retried",
    delay: 7_000,
    requestedDelay: 7_000,
    delaySource: "retry-after",
  };
  assert.deepEqual(messages, [
    ["holdfast:attempt", retried],
    ["holdfast:retry", retried],
    [
      "holdfast:attempt",
      {
        ...summary,
        number: 2,
        startedAt: 7_000,
        elapsed: 0,
        status: 200,
        verdict: statusVerdict(200),
        decision: "success",
      },
    ],
  ]);
});

test("a call without a response publishes its attempts", async () => {
  const messages = await published([{ error: certificate }]);

  const verdict = errorVerdict(certificate);
  const error = { name: "TlsError", code: "ERR_TLS", message: "bad" };
  const decision = "not-retried: tls-certificate";
  const attempt = { ...summary, number: 1, startedAt: 0, elapsed: 0, error, verdict, decision };
  assert.deepEqual(messages, [
    ["holdfast:attempt", attempt],
    ["holdfast:give-up", { ...summary, error, verdict, decision, attempts: [attempt], elapsed: 0 }],
  ]);
});

const endings: readonly (readonly [what: string, script: readonly ScriptedEntry[], channels: string])[] = [
  ["a response that is not retried", [{ status: 404 }], "attempt give-up"],
  [
    "a response after exhausted retries",
    [{ status: 503 }],
    "attempt retry attempt retry attempt retry attempt give-up",
  ],
  ["a redirect that is followed", [{ status: 302, headers: { location: "/" } }, {}], "attempt attempt"],
  ["endless redirects", [{ status: 302, headers: { location: "/" } }], "attempt attempt give-up"],
];

for (const [what, script, expected] of endings) {
  test(`${what} publishes: ${expected}`, async () => {
    const messages = await published(script);

    assert.equal(messages.map(([name]) => name.replace("holdfast:", "")).join(" "), expected);
  });
}

test("endless redirects publish the error and its advice", async () => {
  const messages = await published([{ status: 302, headers: { location: "/?token=s3cret" } }]);

  const [, message] = messages.at(-1) ?? [];
  assert.partialDeepStrictEqual(message, {
    status: 302,
    error: { message: "More than 1 redirects, the last one to https://a.test/?token=***" },
    verdict: errorVerdict({ code: "ERR_TOO_MANY_REDIRECTS" }),
    decision: "not-retried: too-many-redirects",
  });
});

test("no message is built without subscribers", () => {
  const watched = { hooks: joinHooks(), request };
  const listen = (): void => undefined;

  const before = areAttemptsObserved(watched);
  reportGiveUp(watched, () => assert.fail("It was built"));
  subscribe(channelNames.attempt, listen);
  const during = areAttemptsObserved(watched);
  unsubscribe(channelNames.attempt, listen);
  const after = areAttemptsObserved(watched);

  assert.deepEqual([before, during, after], [false, true, false]);
});

test("a body that breaks off after its response was returned is published as a call that gave up", async () => {
  await using origin = await faultOrigin({
    routes: { "/": [cut(respond(200, { body: "0123456789" }), { atBody: 4 })] },
  });
  await using session = new Session();
  const heard: GiveUp[] = [];
  session.hooks.giveUp.push((giveUp) => void heard.push(giveUp));

  const response = await session.get(origin.url, { stream: true });
  await assert.rejects(response.text());

  assert.deepEqual(
    heard.map(({ error, decision }) => [error?.code, decision]),
    [["ERR_INCOMPLETE_BODY", "not-retried: body-given-out"]],
  );
});
