import assert from "node:assert/strict";
import { test } from "node:test";
import { breaker } from "@holdfast/policy";
import type { Dispatch, DispatchHandler, DispatchOptions } from "../dispatch/contract.ts";
import { isModern } from "../dispatch/contract.ts";
import { interceptor } from "./interceptor.ts";

type Turn = (handler: DispatchHandler) => void;

/** Answers with a status and a body. */
function reply(status: number, body: string): Turn {
  return (handler) => {
    if (isModern(handler)) throw new TypeError("expected a handler of undici 5 to 7");
    handler.onConnect?.(() => undefined, {});
    handler.onHeaders?.(status, [Buffer.from("X-Turn"), Buffer.from(String(status))], () => undefined, "");
    handler.onData?.(Buffer.from(body));
    handler.onComplete?.([]);
  };
}

/** Fails with a code, before or after the request was sent. */
function fail(code: string, sent: boolean): Turn {
  return (handler) => {
    if (isModern(handler)) throw new TypeError("expected a handler of undici 5 to 7");
    if (sent) handler.onConnect?.(() => undefined, {});
    handler.onError?.(Object.assign(new Error("failed"), { code }));
  };
}

/** Sends through the interceptor over a script. Returns the status or the error, and the number of sendings. */
async function run(
  turns: readonly Turn[],
  options: Partial<DispatchOptions>,
  policy: Parameters<typeof interceptor>[0] = { retry: { backoffFactor: 0 } },
): Promise<readonly [result: unknown, sent: number]> {
  let sent = 0;
  const below: Dispatch = (_options, handler) => {
    turns[sent++]?.(handler);
    return true;
  };
  const dispatch = interceptor(policy)(below);
  const result = await new Promise((resolve) => {
    let text = "";
    dispatch(
      { origin: "http://a.test", path: "/", method: "GET", ...options },
      {
        onHeaders(status) {
          text = `${status} `;
          return true;
        },
        onData: (chunk) => (text += chunk.toString()) !== "",
        onComplete: () => resolve(text),
        onError: (error) => resolve((error as { code?: string }).code ?? error),
      },
    );
  });
  return [result, sent];
}

const ok = reply(200, "ok");

test("repeats what the dispatcher below fails with", async () => {
  assert.deepEqual(await run([reply(503, "busy"), fail("UND_ERR_SOCKET", true), ok], {}), ["200 ok", 3]);
  assert.deepEqual(await run([fail("UND_ERR_CONNECT_TIMEOUT", false), ok], {}), ["200 ok", 2]);
  assert.deepEqual(await run([fail("UND_ERR_HEADERS_TIMEOUT", true), ok], {}), ["200 ok", 2]);
});

test("repeats a POST only if it was not sent", async () => {
  const post = { method: "POST", body: "order" };

  assert.deepEqual(await run([fail("ECONNREFUSED", false), ok], post), ["200 ok", 2]);
  assert.deepEqual(await run([fail("UND_ERR_SOCKET", true), ok], post), ["ERR_CONNECTION", 1]);
});

test("ends with a mistake of the caller", async () => {
  assert.deepEqual(await run([fail("UND_ERR_INVALID_ARG", false), ok], {}), ["UND_ERR_INVALID_ARG", 1]);
});

test("takes a number of retries, and a policy that decides alone", async () => {
  assert.deepEqual(await run([reply(503, "busy"), ok], {}, 0), ["503 busy", 1]);
  assert.deepEqual(await run([reply(503, "busy"), ok], {}, breaker()), ["503 busy", 1]);
});

test("refuses options of connections by name", () => {
  assert.throws(() => interceptor({ tls: {} } as object), /interceptor\.tls cannot be used here/);
  assert.throws(() => interceptor({ retries: 3 } as object), /retries/);
});

test("a dispatch has two parameters, which undici demands", () => {
  assert.equal(interceptor()(() => true).length, 2);
});
