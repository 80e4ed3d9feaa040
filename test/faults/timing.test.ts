import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { fullJitter, waitExponential } from "@holdfast/policy";
import { informational, respond, silence, withoutReading, type Responder } from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { bounded, outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const good = respond(200, { body: "all good\n" });
const busy = respond(503);
function stalling(begun: boolean): Readable {
  const stream = new Readable({ read: () => undefined });
  if (begun) stream.push("a part");
  return stream;
}

const processing = informational(102);

scenarios({
  "timing.total-deadline": {
    origin: { routes: { "/": silence() } },
    timeout: { total: 1_000 },
    // A call does not start a wait that exceeds its deadline: it throws the error of the last attempt.
    expect: { outcome: "error", elapsed: { min: 700, max: 1_350 }, attempts: { min: 3 } },
  },
  "timing.timeout-accuracy": {
    origin: { routes: { "/": silence() } },
    retry: { total: 0 },
    timeout: { read: 300 },
    expect: { error: { code: "ERR_READ_TIMEOUT" }, elapsed: { min: 300, max: 450 } },
  },
  "timing: the attempt limit is exact": {
    origin: { routes: { "/": silence() } },
    retry: { total: 0 },
    timeout: { read: 5_000, attempt: 200 },
    expect: {
      error: { code: "ERR_ATTEMPT_TIMEOUT" },
      verdict: "timeout-attempt",
      elapsed: { min: 200, max: 450 },
    },
  },
  "timing: a deadline of 2 s is exact": {
    origin: { routes: { "/": silence() } },
    retry: { total: 0 },
    timeout: { read: 5_000, total: 2_000 },
    expect: { error: { code: "ERR_DEADLINE" }, elapsed: { min: 2_000, max: 2_250 } },
  },
  "timing: endless interim responses do not extend the read limit endlessly": {
    origin: { routes: { "/": Array.from({ length: 300 }, () => [...processing, { wait: 10 }]).flat() } },
    retry: { total: 0 },
    timeout: { read: 100 },
    expect: { error: { code: "ERR_READ_TIMEOUT" }, elapsed: { min: 1_000, max: 2_250 } },
  },
  "timing: interim responses extend the read limit": {
    origin: {
      routes: { "/": [...Array.from({ length: 20 }, () => [...processing, { wait: 20 }]).flat(), ...good] },
    },
    timeout: { read: 150 },
    expect: { status: 200, attempts: 1, elapsed: { min: 380 } },
  },
  ...Object.fromEntries(
    ([true, false] as const).map((begun): [string, Scenario] => [
      `timing: a source that stalls ${begun ? "during" : "before"} the upload is not silence of the server`,
      {
        origin: { routes: { "/": good } },
        method: "PUT",
        timeout: { read: 100 },
        request: { body: () => stalling(begun) },
        expect: {
          error: { code: "ERR_UPLOAD_TIMEOUT", mayHaveArrived: begun },
          message: /source of the request body/,
          verdict: "timeout-upload",
          told: 1,
        },
      },
    ]),
  ),
  "timing: an upload that the server does not read is silence of the server": {
    origin: { routes: { "/": withoutReading(silence()) } },
    method: "PUT",
    retry: { total: 0 },
    timeout: { read: 150 },
    request: { body: () => Readable.from(Array.from({ length: 400 }, () => Buffer.alloc(64 * 1024))) },
    expect: { error: { code: "ERR_READ_TIMEOUT" } },
  },
  "timing: silence after a complete upload is silence of the server": {
    origin: { routes: { "/": silence() } },
    method: "PUT",
    retry: { total: 0 },
    timeout: { read: 100 },
    request: { body: () => Readable.from([Buffer.from("all of it")]) },
    expect: { error: { code: "ERR_READ_TIMEOUT" } },
  },
  "timing.backoff-cap": {
    origin: { routes: { "/": [busy, busy, busy, busy, good] } },
    retry: { backoffFactor: "60ms", backoffMax: "100ms" },
    expect: { status: 200, attempts: 5, gaps: [{ max: 250 }, { max: 250 }, { max: 250 }, { max: 250 }] },
  },
});

/** Makes concurrent calls that are refused a few times, and returns the waits before each retry, by its number. */
async function waits(
  calls: number,
  refusals: number,
  wait: Parameters<typeof sessionFor>[0],
): Promise<readonly (readonly number[])[]> {
  const tries = new Map<string, number>();
  const answer: Responder = ({ headers }) => {
    const call = headers["x-call"] ?? "";
    tries.set(call, (tries.get(call) ?? 0) + 1);
    return (tries.get(call) ?? 0) > refusals ? good : busy;
  };
  await using origin = await faultOrigin({ routes: { "/": answer } });
  await using session = await sessionFor(wait);
  await Promise.all(
    Array.from({ length: calls }, (_, call) =>
      session.get(`${origin.url}/`, { headers: { "x-call": String(call) } }),
    ),
  );
  const gaps: number[][] = Array.from({ length: refusals }, () => []);
  for (const call of tries.keys()) {
    const starts = origin.requests
      .filter(({ headers }) => headers["x-call"] === call)
      .map(({ startedAt }) => startedAt);
    for (const [index, start] of starts.slice(1).entries())
      gaps[index]?.push(start - (starts[index] ?? start));
  }
  return gaps;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

test("timing.backoff-growth: the waits grow, within bounds", async () => {
  const gaps = await waits(200, 3, {
    retry: { wait: fullJitter(waitExponential({ multiplier: "160ms", base: 2 })) },
    timeout: { read: 5_000 },
  });

  const [first = [], second = [], third = []] = gaps;
  assert.ok(median(second) > median(first) * 1.2, `${median(first)} ${median(second)}`);
  assert.ok(median(third) > median(second) * 1.2, `${median(second)} ${median(third)}`);
  for (const [index, each] of gaps.entries()) {
    for (const gap of each) bounded(`wait ${index + 1}`, gap, { max: 2.5 * 160 * 2 ** index + 400 });
  }
});

test("timing.jitter: the waits differ", async () => {
  const [gaps = []] = await waits(100, 1, {
    retry: { wait: fullJitter(waitExponential({ multiplier: "400ms" })) },
    timeout: { read: 5_000 },
  });

  assert.ok(new Set(gaps.map((gap) => Math.round(gap / 10))).size >= 5);
});

test("timing: an upload that the server takes slowly is not silence", async () => {
  const slowly = Array.from({ length: 8 }, () => [{ read: 4_000_000 }, { wait: 100 }] as const).flat();
  await using origin = await faultOrigin({ routes: { "/": [...slowly, { read: "all" }, ...good] } });
  await using session = await sessionFor();

  const { status, elapsed } = await session.post(`${origin.url}/`, { body: Buffer.alloc(40_000_000) });

  assert.equal(status, 200);
  bounded("elapsed", elapsed, { min: 700 });
});

const kinds = {
  read: "ERR_READ_TIMEOUT",
  attempt: "ERR_ATTEMPT_TIMEOUT",
  total: "ERR_DEADLINE",
  connect: "ERR_CONNECT_TIMEOUT",
} as const;

for (const [limit, code] of Object.entries(kinds)) {
  test(`timing: a ${limit} limit of 300 ms is exact to 50 ms`, async () => {
    await using origin = await faultOrigin({ routes: { "/": silence() } });
    await using session = await sessionFor({
      retry: { total: 0 },
      timeout: { read: "5s", connect: "5s", [limit]: 300 },
      ...(limit === "connect" && { adapter: { lookup: () => new Promise<never>(() => {}) } }),
    });
    const url = limit === "connect" ? "http://name.test/" : `${origin.url}/`;
    const took: number[] = [];

    // The best of several runs excludes delays of a busy machine.
    for (let run = 0; run < 4; run += 1) {
      const began = performance.now();
      const { error } = await outcomeOf(session.get(url));
      took.push(performance.now() - began);
      assert.equal(Reflect.get(error ?? {}, "code"), code);
    }

    bounded("the best", Math.min(...took), { min: 300, max: 350 });
  });
}
