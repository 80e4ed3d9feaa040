import assert from "node:assert/strict";
import { test } from "node:test";
import { joinHooks, type HooksInit } from "./hooks.ts";
import type { ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import { TlsError } from "../errors/transport-errors.ts";

const url = "https://a.test/";

function recorder(): { readonly log: string[]; readonly hooks: HooksInit } {
  const log: string[] = [];
  return {
    log,
    hooks: {
      request: [({ method, url: { pathname } }) => void log.push(`request ${method} ${pathname}`)],
      response: [({ status }) => void log.push(`response ${status}`)],
      retry: [
        ({ number, delay, delaySource }) =>
          void log.push(`retry after ${number}: ${delay} by ${delaySource}`),
      ],
      error: [(error) => void log.push(`error ${error instanceof Error ? error.name : ""}`)],
    },
  };
}

const certificate: ScriptedEntry = {
  error: new TlsError("?", { certificate: true, errno: "CERT_HAS_EXPIRED" }),
};

const orders: readonly (readonly [what: string, script: readonly ScriptedEntry[], log: readonly string[]])[] =
  [
    ["a success", [{}], ["request GET /", "response 200"]],
    [
      "retried responses",
      [{ status: 503, headers: { "retry-after": "7" } }, { status: 500 }, {}],
      [
        "request GET /",
        "response 503",
        "retry after 1: 7000 by retry-after",
        "request GET /",
        "response 500",
        "retry after 2: 0 by back-off",
        "request GET /",
        "response 200",
      ],
    ],
    [
      "redirects",
      [{ status: 302, headers: { location: "/two" } }, { status: 503 }, {}],
      [
        "request GET /",
        "response 302",
        "request GET /two",
        "response 503",
        "retry after 2: 0 by back-off",
        "request GET /two",
        "response 200",
      ],
    ],
    ["an error", [certificate], ["request GET /", "error TlsError"]],
    [
      "an error after a redirect",
      [{ status: 302, headers: { location: "/two" } }, certificate],
      ["request GET /", "response 302", "request GET /two", "error TlsError"],
    ],
    [
      "endless redirects",
      [{ status: 302, headers: { location: "/" } }],
      ["request GET /", "response 302", "request GET /", "response 302", "error TooManyRedirectsError"],
    ],
  ];

for (const [what, script, expected] of orders) {
  test(`hooks are called for ${what}, in order`, async () => {
    const { log, hooks } = recorder();
    const { session } = scripted(script, { hooks, maxRedirects: 1 });

    await session.get(url).catch(() => undefined);

    assert.deepEqual(log, expected);
  });
}

test("the session's hooks come before the request's, and a hook that is pushed later is called, too", async () => {
  const log: string[] = [];
  const { session } = scripted([{}], { hooks: { response: [() => void log.push("session")] } });
  session.hooks.response.push(async () => void log.push("pushed"));

  await session.get(url, { hooks: { response: [() => void log.push("request")] } });
  await session.get(url);

  assert.deepEqual(log, ["session", "pushed", "request", "session", "pushed"]);
});

test("a request hook may replace the request of every attempt", async () => {
  let count = 0;
  const { session, adapter } = scripted([{ status: 503 }, {}]);
  session.hooks.request.push((request) => ({
    ...request,
    headers: { ...request.headers, "x-count": String((count += 1)) },
  }));

  await session.get(url);

  assert.deepEqual(
    adapter.requests.map(({ headers }) => headers["x-count"]),
    ["1", "2"],
  );
});

const throwers: readonly (readonly [
  name: string,
  hooks: HooksInit,
  script: readonly ScriptedEntry[],
  requests: number,
])[] = [
  ["request", { request: [fail] }, [{}], 0],
  ["response", { response: [fail] }, [{ status: 503 }, {}], 1],
  ["late response", { response: [async () => fail()] }, [{ status: 503 }, {}], 1],
  ["retry", { retry: [fail] }, [{ status: 503 }, {}], 1],
  ["error", { error: [fail] }, [certificate], 1],
];

function fail(): never {
  throw new Error("the hook's own");
}

for (const [name, hooks, script, requests] of throwers) {
  test(`an error of a ${name} hook ends the call without a retry`, async () => {
    const { session, adapter } = scripted(script, { hooks });

    const error = await catchFailure(session.get(url));

    assert.deepEqual([error.message, adapter.requests.length], ["the hook's own", requests]);
  });
}

test("the caller's hook lists are copied", () => {
  const own = [(): void => undefined];

  const joined = joinHooks({ response: own }, { response: own });
  joined.response.push(() => undefined);

  assert.deepEqual([own.length, joined.response.length, joined.request.length], [1, 3, 0]);
});

test("an asynchronous response hook is awaited before the next hook and the call", async () => {
  const log: string[] = [];
  const slow = (name: string) => async (): Promise<void> => {
    await Promise.resolve();
    log.push(name);
  };
  const quick = (name: string) => (): void => void log.push(name);
  const response = [quick("one"), slow("two"), quick("three"), slow("four"), quick("five")];
  const { session } = scripted([{}], { hooks: { response } });

  await session.get(url).then(() => log.push("result"));

  assert.deepEqual(log, ["one", "two", "three", "four", "five", "result"]);
});

test("an error of a response hook ends the call, thrown synchronously or asynchronously", async () => {
  const now = scripted([{}], {
    hooks: {
      response: [
        () => {
          throw new RangeError("now");
        },
      ],
    },
  });
  const later = scripted([{}], {
    hooks: {
      response: [
        async () => {
          throw new RangeError("later");
        },
      ],
    },
  });

  const failures = [await catchFailure(now.session.get(url)), await catchFailure(later.session.get(url))];

  assert.deepEqual(
    failures.map(({ message }) => message),
    ["now", "later"],
  );
});
