import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import type { BodySource } from "../model/body-source.ts";
import { StreamedResponse, discardBody, previewBody } from "../model/streamed-response.ts";
import { previewError, type PreviewBounds } from "./error-preview.ts";

const json = { "content-type": "application/json" };
const late = Symbol("a piece that does not come");

interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is read: texts, what is thrown, or nothing for as long as nobody cancels. */
  readonly pieces: readonly (string | Error | typeof late)[];
}

interface Played {
  readonly response: StreamedResponse;
  /** What the body's source was told. */
  readonly told: unknown[];
  /** How many pieces were asked for. */
  readonly asked: () => number;
}

function play({ status = 429, headers = json, pieces }: Script): Played {
  const told: unknown[] = [];
  let asked = 0;
  let reject: ((reason: unknown) => void) | undefined;
  const body: BodySource = {
    read: async () => {
      const piece = pieces[asked];
      asked += 1;
      if (piece === late) return new Promise((_, refuse) => (reject = refuse));
      if (piece instanceof Error) throw piece;
      return piece === undefined ? undefined : Buffer.from(piece);
    },
    cancel: (reason) => {
      told.push(reason);
      reject?.(reason);
    },
    drain: async () => void told.push("drained"),
  };
  const response = new StreamedResponse({ status, statusText: "", url: "https://a.test/", headers, body });
  return { response, told, asked: () => asked };
}

function patient(
  clock: FakeClock = fakeClock({ autoAdvance: false }),
  more: Partial<PreviewBounds> = {},
): PreviewBounds {
  return { clock, limit: 30_000, signal: undefined, drain: undefined, ...more };
}

function previewOf(response: StreamedResponse): string | undefined {
  const preview = previewBody(response);
  return preview === undefined ? undefined : Buffer.from(preview).toString();
}

const stop = new Error("stop");

test("reads a short JSON error in advance, and its body still has all bytes", async () => {
  const seen = await previewError(play({ pieces: ['{"a"', ":1}"] }).response, patient());

  assert.equal(previewOf(seen), '{"a":1}');
  const pieces: string[] = [];
  for await (const piece of seen.body) pieces.push(Buffer.from(piece).toString());
  assert.deepEqual(pieces, ['{"a"', ":1}"]);
});

for (const [what, script] of [
  ["an answer that was accepted", { status: 200, pieces: ["{}"] }],
  ["a page", { headers: { "content-type": "text/html" }, pieces: ["{}"] }],
  ["a stream of events", { headers: { "content-type": "text/event-stream" }, pieces: ["{}"] }],
  ["a length beyond 64 KiB", { headers: { ...json, "content-length": "65537" }, pieces: ["{}"] }],
] satisfies [string, Script][]) {
  test(`reads nothing in advance of ${what}`, async () => {
    const { response, asked } = play(script);

    assert.equal(await previewError(response, patient()), response);
    assert.equal(asked(), 0);
  });
}

test("stops reading a long body in advance, and returns all of it later", async () => {
  const piece = "x".repeat(40_000);
  const { response, asked } = play({ pieces: [piece, piece, piece] });

  const seen = await previewError(response, patient());

  assert.deepEqual([previewOf(seen), asked()], [undefined, 2]);
  assert.equal(await seen.text(), piece.repeat(3));
});

test("the reader of the body gets the error that broke it", async () => {
  const seen = await previewError(play({ pieces: ['{"a"', stop] }).response, patient());

  assert.equal(previewOf(seen), undefined);
  const read: string[] = [];
  await assert.rejects(async () => {
    for await (const piece of seen.body) read.push(Buffer.from(piece).toString());
  }, stop);
  assert.deepEqual(read, ['{"a"']);
});

for (const [limit, waited] of [
  [30_000, 1_000],
  [50, 50],
] as const) {
  test(`stops waiting for a body after ${waited} ms`, async () => {
    const clock = fakeClock({ autoAdvance: false });
    const { response, told } = play({ pieces: ["{", late] });

    const looking = previewError(response, patient(clock, { limit }));
    await clock.advance(waited);
    const seen = await looking;

    assert.deepEqual([previewOf(seen), told], [undefined, []]);
    await discardBody(seen);
    assert.deepEqual(told, ["drained"]);
  });
}

test("an aborted drain returns the response before its body has arrived", async () => {
  const impatient = new AbortController();
  const { response, told } = play({ pieces: ["{", late] });

  const looking = previewError(response, patient(undefined, { drain: impatient.signal }));
  impatient.abort(stop);
  const seen = await looking;

  assert.equal(previewOf(seen), undefined);
  seen.cancel(stop);
  assert.deepEqual(told, [stop]);
});

for (const when of ["before", "while"]) {
  test(`an abort ${when} the body is read in advance cancels it`, async () => {
    const caller = new AbortController();
    const { response, told } = play({ pieces: ["{", late] });

    if (when === "before") caller.abort(stop);
    const looking = previewError(response, patient(undefined, { signal: caller.signal }));
    caller.abort(stop);

    await assert.rejects(looking, stop);
    assert.deepEqual(told, [stop]);
  });
}
