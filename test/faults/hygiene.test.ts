import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { fileURLToPath } from "node:url";
import {
  cut,
  drip,
  endlessBody,
  endlessHead,
  faultOrigin as startOrigin,
  raw,
  redirect,
  refusedPort,
  reset,
  resetStream,
  respond,
  selfSigned,
  silence,
  switchProtocols,
  type Routes,
} from "@holdfast/http/testing";
import { runProgram, type ProgramResult } from "../support/child.ts";
import { faultOrigin, isOverHttp2, protocolArguments, test } from "./protocol.ts";
import { bounded, outcomeOf, sessionFor } from "./scenario.ts";

const page = respond(200, { body: "x".repeat(1_000) });
const routes: Routes = {
  "/": page,
  "/silence": silence(),
  "/reset": reset(),
  "/cut": cut(page, { atBody: 10, by: "fin" }),
  "/busy": respond(503),
  "/gzip": respond(200, { coding: "gzip", body: "x".repeat(1_000), codedBytes: 10 }),
  "/drip": drip(page, { every: 50 }),
  ...(isOverHttp2()
    ? {
        // Frames of RFC 9113 §6 without END_HEADERS, and of a stream that does not exist.
        "/endless-head": [{ frame: { type: 1, payload: Uint8Array.of(0x88) } }, ...silence()],
        "/switch": resetStream(),
        "/conflict": [{ frame: { type: 0, stream: 0, payload: "x" } }, ...silence()],
      }
    : {
        "/endless-head": endlessHead(),
        "/switch": switchProtocols(),
        "/conflict": raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      }),
  "/loop": redirect("/loop"),
  "/huge": endlessBody(),
};

function program(name: string, ...args: readonly string[]): Promise<ProgramResult> {
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const flags = ["--conditions=source", "--expose-gc", "--no-warnings"];
  return runProgram(process.execPath, [...flags, file, ...args, ...protocolArguments()], { within: 90_000 });
}

for (const [name, how] of [
  ["hygiene.exits-after-failures", "close"],
  ["hygiene.exits-without-close", "leave"],
] as const) {
  test(name, async () => {
    await using origin = await faultOrigin({ routes });

    const { code, stdout, stderr } = await program("after-failures", origin.url, how);

    const ended = Date.now();
    assert.equal(stderr, "");
    assert.match(stdout, /^4 failed, then 200, at \d+\n$/);
    assert.equal(code, 0);
    bounded("milliseconds to the end", ended - Number(/at (\d+)/.exec(stdout)?.[1]), { max: 1_500 });
  });
}

test("hygiene: only a program that negotiates HTTP/2 loads node:http2", async () => {
  for (const [http2, loaded] of [
    [true, true],
    [false, false],
  ] as const) {
    await using origin = await startOrigin({ routes, tls: selfSigned(), http2 });

    // The server may choose HTTP/2. Only then is node:http2 needed.
    const { stdout, stderr } = await program("loaded", `${origin.url}/`, "http2");

    assert.equal(stdout, `200 ${loaded}\n`, stderr);
  }
});

test("hygiene: a request rejected for its header does not keep the process alive", async () => {
  await using origin = await faultOrigin({ routes });

  const { code, stdout } = await program("refused-argument", origin.url);

  assert.equal(stdout, "refused\n");
  assert.equal(code, 0);
});

test("hygiene.nothing-unhandled: concurrent failures cause no unhandled rejection", async () => {
  await using origin = await faultOrigin({ routes });

  const { code, stdout, stderr } = await program(
    "assorted-failures",
    origin.url,
    String(await refusedPort()),
  );

  assert.equal(stderr, "");
  assert.match(stdout, /^26 of 26 failed\n$/);
  assert.equal(code, 0);
});

test("hygiene.heap-20k: 15,000 failing calls add less than 8 MB to the heap", async () => {
  await using origin = await faultOrigin({ routes, maxRecorded: 0 });

  const { code, stdout, stderr } = await program("heap", origin.url);

  assert.deepEqual([code, stderr], [0, ""]);
  bounded("bytes", Number(stdout), { max: 8_000_000 });
});

test("hygiene.shared-signal: 100 calls with one signal leave no listener on it", async () => {
  await using origin = await faultOrigin({ routes });
  await using session = await sessionFor({ retry: { total: 1 } });
  const { signal } = new AbortController();

  await Promise.all(
    Array.from({ length: 100 }, (_, call) =>
      outcomeOf(session.get(origin.url + (["/", "/reset", "/cut", "/busy"][call % 4] ?? "/"), { signal })),
    ),
  );

  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("hygiene: a program with an auth function that never settles ends at its deadline", async () => {
  const { code, stdout, stderr } = await program("stalled-auth");

  assert.deepEqual([code, stdout.trim(), stderr], [0, "ERR_DEADLINE", ""]);
});
