import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FakeClock, fakeClock } from "@holdfast/policy/testing";
import type { FetchedResponse } from "../outcome/fetcher.ts";
import { readResults } from "../output/read-results.ts";
import { makeRunDirectory, numberLines } from "../testing/run-directory.ts";
import {
  fakeFailure,
  fakeResponse,
  scriptedFetcher,
  type ReceivedRequest,
} from "../testing/scripted-fetcher.ts";
import type { RunEvent } from "./events.ts";
import type { RunOptions } from "./options.ts";
import { run } from "./run.ts";
import type { RunReport } from "../ledger/report.ts";

const urls = (host: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `https://${host}.example/${n}`);

interface Scene {
  readonly clock: FakeClock;
  readonly report: RunReport;
  /** The host and the time of each request. */
  readonly requests: readonly { readonly host: string; readonly at: number; readonly url: string }[];
  readonly events: readonly RunEvent[];
  readonly directory: string;
}

type Respond = (request: ReceivedRequest, clock: FakeClock) => FetchedResponse | Promise<FetchedResponse>;

/** Runs a list; `respond` gets the clock. */
async function play(
  lines: readonly string[],
  respond: Respond,
  options: Partial<RunOptions> & { readonly start?: number } = {},
): Promise<Scene> {
  const { start = 0, directory = makeRunDirectory(), ...others } = options;
  const clock = fakeClock({ start });
  const requests: Scene["requests"][number][] = [];
  const events: RunEvent[] = [];
  const session = scriptedFetcher((request) => {
    const { url } = request;
    requests.push({ host: new URL(url).hostname.split(".")[0] ?? "", at: clock.date(), url });
    return respond(request, clock);
  });
  const on = (event: RunEvent): void => void events.push(event);
  const input = numberLines(...lines);
  const report = await run({ directory, session, clock, input, on, ...others });
  const { lines: all, done, failed, skipped, unknown, waiting } = report;
  assert.equal(all, done + failed + skipped + unknown + waiting);
  return { clock, report, requests, events, directory };
}

const isTo = (host: string) => (request: { readonly url: string }) => request.url.includes(`//${host}.`);

function reasons(directory: string): Readonly<Record<string, number>> {
  const groups = Map.groupBy(readResults(directory), ({ state, reason }) => `${state} ${reason}`.trim());
  return Object.fromEntries([...groups].map(([reason, { length }]) => [reason, length]));
}

/** A response after `ms`, so that requests overlap. */
async function respondAfter(ms: number, url: string, clock: FakeClock): Promise<FetchedResponse> {
  await clock.sleep(ms);
  return fakeResponse(url);
}

describe("a run over several hosts", () => {
  it("gives silent hosts one place each, and the host that responds all others", async () => {
    const silent = async (clock: FakeClock): Promise<FetchedResponse> => {
      await clock.sleep(30_000);
      throw fakeFailure("timeout-read", { attempts: [{ number: 1 }] });
    };
    const { requests, report } = await play(
      [...urls("a", 40), ...urls("b", 40), ...urls("fast", 200)],
      ({ url }, clock) => (url.includes("fast") ? respondAfter(10, url, clock) : silent(clock)),
      { concurrency: 4, perHost: 8, maxIdleWait: "10s" },
    );

    const before = requests.filter(({ at }) => at < 30_000);
    assert.deepEqual([report.done, report.waiting], [200, 80]);
    assert.equal(before.filter(({ host }) => host !== "fast").length, 2);
    // Two places are left: 200 requests of 10 ms each, and the first one alone.
    assert.ok((before.findLast(({ host }) => host === "fast")?.at ?? Infinity) <= 1_100);
  });

  it("fetches a list that is grouped by host as fast as a shuffled one", async () => {
    const slow = urls("slow", 1_000);
    const fast = urls("fast", 50);
    const respond: Respond = ({ url }, clock) => respondAfter(url.includes("slow") ? 1_000 : 10, url, clock);

    const grouped = await play([...slow, ...fast], respond);
    const mixed = await play(
      slow.flatMap((url, n) => (n % 20 === 0 ? [url, fast[n / 20] ?? ""] : [url])),
      respond,
    );

    const fastTimes = grouped.requests.filter(({ host }) => host === "fast").map(({ at }) => at);
    assert.ok((fastTimes.at(-1) ?? Infinity) - (fastTimes[0] ?? 0) <= 1_000, String(fastTimes));
    assert.ok((fastTimes[0] ?? Infinity) < grouped.report.elapsed / 10);
    assert.ok(grouped.report.elapsed <= 1.1 * mixed.report.elapsed);
  });

  it("always has a request of each host in flight that has lines, however slow another is", async () => {
    const { requests } = await play(
      [...urls("slow", 60), ...urls("drip", 60), ...urls("fast", 400)],
      ({ url }, clock) =>
        respondAfter(url.includes("fast") ? 20 : url.includes("drip") ? 2_000 : 1_500, url, clock),
      { concurrency: 6, perHost: 6 },
    );

    for (const host of ["slow", "drip", "fast"]) {
      const starts = requests.filter((request) => request.host === host).map(({ at }) => at);
      const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
      assert.ok(Math.max(...gaps) <= 2_500, `${host} waited ${Math.max(...gaps)} ms`);
    }
  });

  it("starts the requests of many hosts with few lines each, and none twice", async () => {
    const lines = Array.from({ length: 900 }, (_, n) => [
      `https://h${n}.example/1`,
      `https://h${n}.example/2`,
    ]).flat();

    const { report, requests } = await play(lines, ({ url }) => fakeResponse(url), { concurrency: 32 });

    assert.deepEqual(
      [report.done, new Set(requests.map(({ url }) => url)).size, requests.length],
      [1_800, 1_800, 1_800],
    );
  });
});

describe("a run with a host that is silent", () => {
  const refused = () => fakeFailure("refused", { attempts: [{ number: 1, phases: {} }] });

  it("loses no line when the host is back within a minute", async () => {
    const { report, requests } = await play(urls("a", 100), ({ url }, clock) => {
      if (clock.date() > 500 && clock.date() < 55_000) throw refused();
      return respondAfter(100, url, clock);
    });

    assert.deepEqual([report.done, report.failed, report.waiting], [100, 0, 0]);
    const probes = requests.filter(({ at }) => at > 500 && at < 55_000);
    assert.ok(probes.length < 20, `${probes.length} requests to a host that was down`);
    assert.ok(new Set(probes.slice(3).map(({ url }) => url)).size >= 3, "probes are different lines");
  });

  it("ends with exit 4 when no line has ended for maxIdleWait, and asks immediately in the next run", async () => {
    const directory = makeRunDirectory();
    const down: Respond = () => {
      throw refused();
    };
    const first = await play(urls("a", 10), down, { directory, maxIdleWait: "20s" });
    const start = first.clock.date();
    const second = await play(urls("a", 10), ({ url }) => fakeResponse(url), { directory, start });

    assert.deepEqual([first.report.status, first.report.waiting, first.report.failed], ["complete", 10, 0]);
    assert.ok(first.clock.date() <= 20_000);
    assert.deepEqual([second.report.done, second.requests[0]?.at], [10, start]);
  });

  it("ends the lines as host-down after hostGiveUp over all runs, with the evidence, and they may be retried", async () => {
    const directory = makeRunDirectory();
    const down: Respond = () => {
      throw refused();
    };
    const options = { directory, hostGiveUp: "1h", maxIdleWait: "2h" } as const;
    await play([...urls("a", 50)], down, { ...options, maxIdleWait: "10s" });
    const { report, events } = await play(
      [...urls("a", 50), ...urls("b", 5)],
      ({ url }, clock) => {
        if (url.includes("//b.")) return fakeResponse(url);
        return down({ method: "GET", url, options: {} }, clock);
      },
      { ...options, start: 600_000 },
    );

    assert.deepEqual(reasons(directory), { "failed host-down": 50, "done ok": 5 });
    assert.ok(report.elapsed >= 2_900_000 && report.elapsed <= 3_100_000, `${report.elapsed} ms`);
    const [group] = report.reasons;
    assert.deepEqual([group?.retryable, group?.count], [true, 50]);
    assert.match(group?.advice ?? "", /no response for 1\.0 hours \(last: refused\)/);
    assert.ok(events.some((event) => event.type === "host-down" && event.lines >= 49));
    const back = await play(urls("a", 50), ({ url }) => fakeResponse(url), { directory, start: 1e7 });
    assert.equal(back.report.done, 55);
  });

  it("ends a line by its own attempts when the host serves others", async () => {
    const { report } = await play(urls("a", 20), ({ url }) => {
      if (url.endsWith("/7"))
        throw fakeFailure("reset", { attempts: [1, 2, 3, 4].map(() => ({ phases: { headers: 3 } })) });
      return fakeResponse(url);
    });

    assert.deepEqual([report.done, report.failed, report.reasons[0]?.reason], [19, 1, "reset"]);
  });
});

describe("a run with a name that is unknown", () => {
  const unknown = () => fakeFailure("dns-not-found", { attempts: [{ number: 1 }] });

  it("ends its lines as dns when other names respond", async () => {
    const { report, requests, directory } = await play(
      [...urls("typo", 30), ...urls("a", 300)],
      ({ url }, clock) => {
        if (url.includes("typo")) throw unknown();
        return respondAfter(100, url, clock);
      },
    );

    assert.deepEqual(reasons(directory), { "failed dns": 30, "done ok": 300 });
    assert.ok(requests.filter(isTo("typo")).length <= 3);
    assert.equal(report.reasons[0]?.retryable, true);
  });

  it("lets the lines wait while no name is known", async () => {
    const { report } = await play(
      Array.from({ length: 100 }, (_, n) => `https://h${n}.example/`),
      ({ url }, clock) => {
        if (clock.date() > 300 && clock.date() < 8_000) throw unknown();
        return respondAfter(60, url, clock);
      },
      { concurrency: 8 },
    );

    assert.deepEqual([report.done, report.failed], [100, 0]);
  });
});

describe("a run with a host that refuses", () => {
  it("holds a host that had served before after a few refusals, and keeps its lines", async () => {
    const directory = makeRunDirectory();
    let count = 0;
    const { report, requests, clock } = await play(
      [...urls("a", 400), ...urls("b", 20)],
      ({ url }) => fakeResponse(url, { status: url.includes("//a.") && (count += 1) > 50 ? 403 : 200 }),
      { directory },
    );

    assert.ok(requests.filter(isTo("a")).length <= 50 + 5 + 8 + 1);
    assert.deepEqual([report.done, report.failed, report.waiting], [70, 0, 350]);
    assert.ok(clock.date() <= 120_000);
    const again = await play(urls("a", 400), ({ url }) => fakeResponse(url), {
      directory,
      start: clock.date(),
    });
    assert.equal(again.report.done, 420);
  });

  it("fails the pages that are refused between others", async () => {
    const { report, requests } = await play(urls("a", 100), ({ url }) =>
      fakeResponse(url, { status: Number(url.split("/")[3]) % 3 === 0 ? 403 : 200 }),
    );

    assert.deepEqual([report.done, report.failed, requests.length], [66, 34, 100]);
    assert.equal(report.reasons[0]?.retryable, false);
  });

  it("fails refused lines of a host that has no other line", async () => {
    const { report } = await play([...urls("a", 3), ...urls("b", 3)], ({ url }) =>
      fakeResponse(url, { status: 401 }),
    );

    assert.deepEqual([report.failed, report.waiting, report.reasons[0]?.retryable], [6, 0, false]);
  });

  it("holds a host that never served after twenty refusals, and keeps all of them", async () => {
    const { report, requests } = await play(urls("a", 100), ({ url }) => fakeResponse(url, { status: 403 }));

    assert.deepEqual([report.failed, report.waiting], [0, 100]);
    assert.ok(requests.length <= 22, `${requests.length} requests`);
  });
});

describe("a run with limits of the user", () => {
  /** The shortest time between the starts of two requests in `requests`. */
  const shortestGap = (requests: Scene["requests"]): number =>
    Math.min(...requests.slice(1).map(({ at }, index) => at - (requests[index]?.at ?? 0)));

  it("keeps to the rate and the delay for each host, and to the rules of single hosts", async () => {
    const { requests, report } = await play(
      [...urls("a", 20), ...urls("b", 20), ...urls("c", 5)],
      ({ url }) => fakeResponse(url),
      { rate: 5, hostRules: { "b.example": { delay: "50ms" }, "c.example": { rate: 0.5 } } },
    );

    assert.equal(report.done, 45);
    const gaps = ["a", "b", "c"].map((host) =>
      shortestGap(requests.filter((request) => request.host === host)),
    );
    assert.ok((gaps[0] ?? 0) >= 200 && (gaps[1] ?? 0) >= 50 && (gaps[2] ?? 0) >= 2_000, String(gaps));
    assert.ok(report.elapsed < 10_000, `${report.elapsed} ms`);
  });

  it("keeps to the total rate over all hosts", async () => {
    const lines = Array.from({ length: 40 }, (_, n) => `https://h${n}.example/`);
    const { requests, report } = await play(lines, ({ url }) => fakeResponse(url), { totalRate: 10 });

    assert.ok(shortestGap(requests) >= 100);
    assert.ok(report.elapsed >= 3_900 && report.elapsed < 5_000, `${report.elapsed} ms`);
  });

  it("keeps to the bandwidth on average", async () => {
    const { report } = await play(
      urls("a", 30),
      async ({ url }, clock) => {
        await clock.sleep(10);
        return fakeResponse(url, { body: "x".repeat(1_000) });
      },
      { maxBandwidth: 5_000 },
    );

    assert.ok(report.elapsed >= 5_000 && report.elapsed < 7_000, `${report.elapsed} ms`);
  });

  it("ends with an error for a wrong limit", async () => {
    for (const limits of [{ rate: 0 }, { totalRate: -1 }, { maxBandwidth: 0 }, { perHost: 0 }])
      await assert.rejects(
        play(urls("a", 1), ({ url }) => fakeResponse(url), limits),
        RangeError,
      );
  });
});
