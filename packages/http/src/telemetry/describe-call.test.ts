import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  DeadlineExceededError,
  HoldfastError,
  RejectedError,
  RetryError,
  TimeoutError,
} from "@holdfast/policy";
import {
  AttemptTimeoutError,
  ConnectionError,
  ConnectTimeoutError,
  ReadTimeoutError,
  TransportError,
  UploadTimeoutError,
} from "../errors/transport-errors.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const refused = (): ConnectionError =>
  new ConnectionError("refused", { errno: "ECONNREFUSED", phase: "connect", mayHaveArrived: false });

test("the message of a transport error begins with method and URL, and says how many attempts were made", async () => {
  const { session } = scripted([() => ({ error: refused() })], { retry: 2 });

  const error = await catchFailure(session.put("https://ann:s3cret@a.test/x?token=s3cret"));
  const once = await catchFailure(session.get("https://a.test/", { retry: false }));

  assert.equal(error.message, "PUT https://a.test/x?token=***: refused (3 attempts)");
  assert.equal(once.message, "GET https://a.test/: refused (1 attempt)");
});

test("the stack has the caller's frame and the message, for a response and for its JSON", async () => {
  const { session } = scripted([() => ({ error: refused() })], { retry: { total: 1 } });
  const askAsUser = async (): Promise<unknown> => await session.get("https://a.test/");
  const readAsUser = async (): Promise<unknown> => await session.get("https://a.test/").json();

  const [asked, read] = [await catchFailure(askAsUser()), await catchFailure(readAsUser())];

  assert.match(asked.stack ?? "", /^ConnectionError: GET https:\/\/a\.test\/: refused \(2 attempts\)\n/);
  assert.match(asked.stack ?? "", /at async askAsUser/);
  assert.match(read.stack ?? "", /at async readAsUser/);
});

test("an error of a call prints on fewer than 40 lines, also after ten attempts", async () => {
  const { session } = scripted([() => ({ error: refused() })], { retry: 9 });

  const error = await catchFailure(session.get("https://a.test/"));

  assert.ok(inspect(error).split("\n").length < 40);
  assert.deepEqual(
    [Array.isArray(error["attempts"]), Object.keys(error).includes("attempts")],
    [true, false],
  );
});

const uncaught: readonly (readonly [what: string, options: string, message: RegExp])[] = [
  [
    "a refused connection",
    "{ retry: { total: 6, backoffFactor: 0 } }",
    /ConnectionError: GET http:\/\/127\.0\.0\.1:1\/: .*\(7 attempts\)/,
  ],
  [
    "a proxy that cannot be reached",
    '{ proxy: "http://127.0.0.1:1", retry: { total: 1, backoffFactor: 0 } }',
    /ProxyError: GET http:\/\/127\.0\.0\.1:1\/: .*\(2 attempts\)/,
  ],
];

for (const [what, options, message] of uncaught) {
  test(`the uncaught error of ${what} prints fewer than 40 lines`, async () => {
    const output = await runUncaught(`
      import { Session } from "@holdfast/http";
      await new Session(${options}).get("http://127.0.0.1:1/");
    `);

    assert.match(output, message);
    assert.ok(output.split("\n").length < 40, output);
  });
}

test("the uncaught RetryError of raiseOnStatus prints fewer than 40 lines", async () => {
  const output = await runUncaught(`
    import { Session } from "@holdfast/http";
    import { faultOrigin, respond } from "@holdfast/http/testing";
    const origin = await faultOrigin({ routes: { "/": () => respond(503) } });
    await new Session({ retry: { total: 1, raiseOnStatus: true, backoffFactor: 0 } }).get(origin.url);
  `);

  assert.match(output, /RetryError: Gave up after 2 attempts: too many 503 error responses/);
  assert.ok(output.split("\n").length < 40, output);
});

/** Runs a script that ends with an uncaught error, and returns what it prints. */
async function runUncaught(script: string): Promise<string> {
  return new Promise<string>((resolve) => {
    const args = ["--conditions=source", "--input-type=module", "-e", script];
    execFile(
      process.execPath,
      args,
      { cwd: import.meta.dirname, timeout: 30_000 },
      (_error, _stdout, stderr) => resolve(stderr),
    );
  });
}

const timeouts: readonly (readonly [
  error: HoldfastError,
  parent: typeof TransportError | typeof HoldfastError,
])[] = [
  [new ConnectTimeoutError("a.test", 1), TransportError],
  [new ReadTimeoutError("a.test", 1, "headers"), TransportError],
  [new UploadTimeoutError("a.test", 1, false), TransportError],
  [new AttemptTimeoutError("a.test", 1, { phase: "body", mayHaveArrived: true }), TransportError],
  [new DeadlineExceededError(1), HoldfastError],
];

for (const [error, parent] of timeouts) {
  test(`a ${error.name} is a TimeoutError, and keeps its parent`, () => {
    assert.ok(error instanceof TimeoutError && error instanceof parent);
    assert.equal(error.limit, 1);
    assert.ok(!(error instanceof RejectedError));
  });
}

test("other errors are no TimeoutErrors", async () => {
  const platform = await new Promise((resolve) => {
    const signal = AbortSignal.timeout(1);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });

  for (const error of [refused(), new RetryError("stop", []), platform, new Error("timeout"), undefined, "x"])
    assert.equal(error instanceof TimeoutError, false);
});

test("errors of another copy of the package are recognised, and classes of the user are not", async () => {
  const copy: typeof import("../errors/transport-errors.ts") = await import(
    `../errors/transport-errors.ts?copy=${Date.now()}`
  );
  const foreign = new copy.ReadTimeoutError("a.test", 5, "headers");
  class Mine extends ReadTimeoutError {}

  assert.notEqual(copy.ReadTimeoutError, ReadTimeoutError);
  for (const known of [ReadTimeoutError, TransportError, HoldfastError, TimeoutError])
    assert.ok(foreign instanceof known, known.name);
  for (const other of [ConnectTimeoutError, ConnectionError, Mine, RejectedError])
    assert.equal((foreign as unknown) instanceof other, false, other.name);
});
