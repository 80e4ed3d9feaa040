import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { Retry } from "../retry/retry.ts";
import type { RequestOptions } from "./options.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/";
const never = (): Promise<never> => new Promise(() => undefined);
const down: ScriptedEntry = { status: 503 };
const retrying = new Retry({ total: 2, statusForcelist: [503], raiseOnStatus: false });

/** A call with a function of the caller that never settles. */
interface Stalled {
  readonly script: readonly ScriptedEntry[];
  readonly options: RequestOptions;
  /** The number of attempts before the attempt limit ends the call. Absent if that limit does not apply to the function. */
  readonly attempts?: number;
}

const stalled: Readonly<Record<string, Stalled>> = {
  auth: { script: [{}], options: { auth: never }, attempts: 3 },
  "auth behind a 401": {
    script: [{ status: 401 }],
    options: { auth: (_request, refused) => (refused === undefined ? "Bearer old" : never()) },
    attempts: 3,
  },
  "a request hook": { script: [{}], options: { hooks: { request: [never] } }, attempts: 3 },
  "a response hook": { script: [{}], options: { hooks: { response: [never] } }, attempts: 3 },
  "retry.when": { script: [{}], options: { retry: retrying.new({ when: never }) } },
  "a retry hook": { script: [down], options: { hooks: { retry: [never] } } },
};

type End = (options: RequestOptions, session: { close(): Promise<void> }) => RequestOptions;

const reason = new Error("mine");

const ends: Readonly<Record<string, End>> = {
  abort: (options) => {
    const caller = new AbortController();
    setImmediate(() => caller.abort(reason));
    return { ...options, signal: caller.signal };
  },
  close: (options, session) => {
    setImmediate(() => void session.close());
    return options;
  },
  total: (options) => ({ ...options, timeout: { total: "9s" } }),
  attempt: (options) => ({ ...options, timeout: { attempt: "9s" } }),
};

async function ended(what: Stalled, end: string): Promise<Error & Readonly<Record<string, unknown>>> {
  const { session, clock } = scripted(what.script, { retry: retrying });
  const options = ends[end]?.(what.options, session) ?? {};

  const error = await catchFailure(session.get(url, options));

  assert.equal(clock.sleeping, 0);
  if (options.signal) assert.equal(getEventListeners(options.signal, "abort").length, 0);
  return error;
}

for (const [name, what] of Object.entries(stalled)) {
  test(`the signal of the caller ends the wait for ${name}`, async () => {
    assert.equal(await ended(what, "abort"), reason);
  });

  test(`closing the session ends the wait for ${name}`, async () => {
    assert.equal((await ended(what, "close")).message, "The session was closed");
  });

  test(`the deadline of the call ends the wait for ${name}, and the error names it`, async () => {
    const error = await ended(what, "total");

    assert.equal(error["code"], "ERR_DEADLINE");
    assert.match(String(error.cause), new RegExp(name.replace(" behind a 401", "")));
    const attempts: unknown = error["attempts"];
    assert.ok(Array.isArray(attempts));
    assert.deepEqual(
      attempts.map(({ decision }) => decision),
      ["given-up: deadline"],
    );
  });

  if (what.attempts === undefined) continue;
  test(`the limit of an attempt ends the wait for ${name}, and the call retries`, async () => {
    const error = await ended(what, "attempt");

    assert.equal(error["code"], "ERR_ATTEMPT_TIMEOUT");
    assert.equal(Reflect.get(Object(error["attempts"]), "length"), what.attempts);
  });
}

test("abandons an error hook that is still running when the call must end", async () => {
  const heard: unknown[] = [];
  const hooks = { error: [never, (error: unknown) => void heard.push(error)] };

  for (const end of ["abort", "total"]) {
    const error = await ended({ script: [{}], options: { hooks, auth: never } }, end);

    assert.equal(error["code"] ?? error, end === "abort" ? reason : "ERR_DEADLINE");
    assert.equal(heard.pop(), error);
  }
});

test("waits for a quick error hook even after the end of the call", async () => {
  const caller = new AbortController();
  const mine = new Error("from the hook");
  const { session } = scripted([{}]);
  setImmediate(() => caller.abort(reason));

  const error = await catchFailure(
    session.get(url, { auth: never, signal: caller.signal, hooks: { error: [() => Promise.reject(mine)] } }),
  );

  assert.equal(error, mine);
});

test("uses the result of a function that settles in time, and leaves no timer", async () => {
  const { session, clock } = scripted([{}], { timeout: { total: "1h", attempt: "1h" } });

  const { status } = await session.get(url, {
    auth: async () => "Bearer t",
    hooks: { request: [async () => undefined], response: [async () => undefined] },
  });

  assert.deepEqual([status, clock.sleeping], [200, 0]);
});
