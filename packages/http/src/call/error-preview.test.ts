import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import type { BodySource } from "../model/body-source.ts";
import { StreamedResponse, discardBody, previewBody } from "../model/streamed-response.ts";
import { previewError } from "./error-preview.ts";
import type { ReadAheadBounds } from "./read-ahead.ts";

const json = { "content-type": "application/json" };
const late = Symbol("a piece that never arrives");

interface Script {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The results of the reads: a string, an error to throw, or `late`, which is pending until the body is cancelled. */
  readonly pieces: readonly (string | Error | typeof late)[];
}

interface Played {
  readonly response: StreamedResponse;
  /** The reasons of `cancel` and the calls of `drain`, in order. */
  readonly stops: unknown[];
  /** Returns the number of reads. */
  readonly reads: () => number;
}

function play({ status = 429, headers = json, pieces }: Script): Played {
  const stops: unknown[] = [];
  let reads = 0;
  let reject: ((reason: unknown) => void) | undefined;
  const body: BodySource = {
    read: async () => {
      const piece = pieces[reads];
      reads += 1;
      if (piece === late) return new Promise((_, refuse) => (reject = refuse));
      if (piece instanceof Error) throw piece;
      return piece === undefined ? undefined : Buffer.from(piece);
    },
    cancel: (reason) => {
      stops.push(reason);
      reject?.(reason);
    },
    drain: async () => void stops.push("drained"),
  };
  const response = new StreamedResponse({ status, statusText: "", url: "https://a.test/", headers, body });
  return { response, stops, reads: () => reads };
}

function patient(
  clock: FakeClock = fakeClock({ autoAdvance: false }),
  more: Partial<ReadAheadBounds> = {},
): ReadAheadBounds {
  return { clock, limit: 30_000, signal: undefined, drain: undefined, ...more };
}

function previewOf(response: StreamedResponse): string | undefined {
  const preview = previewBody(response);
  return preview === undefined ? undefined : Buffer.from(preview).toString();
}

const stop = new Error("stop");

test("previewError reads a short JSON error in advance, and its body still has all bytes", async () => {
  const seen = await previewError(play({ pieces: ['{"a"', ":1}"] }).response, patient());

  assert.equal(previewOf(seen), '{"a":1}');
  const pieces: string[] = [];
  for await (const piece of seen.body) pieces.push(Buffer.from(piece).toString());
  assert.deepEqual(pieces, ['{"a"', ":1}"]);
});

for (const [what, script] of [
  ["a successful response", { status: 200, pieces: ["{}"] }],
  ["an HTML page", { headers: { "content-type": "text/html" }, pieces: ["{}"] }],
  ["an event stream", { headers: { "content-type": "text/event-stream" }, pieces: ["{}"] }],
  ["a body longer than 64 KiB", { headers: { ...json, "content-length": "65537" }, pieces: ["{}"] }],
] satisfies [string, Script][]) {
  test(`previewError reads nothing of ${what}`, async () => {
    const { response, reads } = play(script);

    assert.equal(await previewError(response, patient()), response);
    assert.equal(reads(), 0);
  });
}

test("previewError stops reading a long body, and the reader still receives the whole body", async () => {
  const piece = "x".repeat(40_000);
  const { response, reads } = play({ pieces: [piece, piece, piece] });

  const seen = await previewError(response, patient());

  assert.deepEqual([previewOf(seen), reads()], [undefined, 2]);
  assert.equal(await seen.text(), piece.repeat(3));
});

test("the reader receives the error that interrupted previewError", async () => {
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
  test(`previewError stops waiting for a body after ${waited} ms`, async () => {
    const clock = fakeClock({ autoAdvance: false });
    const { response, stops } = play({ pieces: ["{", late] });

    const preview = previewError(response, patient(clock, { limit }));
    await clock.advance(waited);
    const seen = await preview;

    assert.deepEqual([previewOf(seen), stops], [undefined, []]);
    await discardBody(seen);
    assert.deepEqual(stops, ["drained"]);
  });
}

test("previewError returns the response immediately when drain is aborted", async () => {
  const impatient = new AbortController();
  const { response, stops } = play({ pieces: ["{", late] });

  const preview = previewError(response, patient(undefined, { drain: impatient.signal }));
  impatient.abort(stop);
  const seen = await preview;

  assert.equal(previewOf(seen), undefined);
  seen.cancel(stop);
  assert.deepEqual(stops, [stop]);
});

for (const when of ["before", "while"]) {
  test(`an abort ${when} previewError reads the body cancels it`, async () => {
    const caller = new AbortController();
    const { response, stops } = play({ pieces: ["{", late] });

    if (when === "before") caller.abort(stop);
    const preview = previewError(response, patient(undefined, { signal: caller.signal }));
    caller.abort(stop);

    await assert.rejects(preview, stop);
    assert.deepEqual(stops, [stop]);
  });
}
