import { test } from "node:test";
import assert from "node:assert/strict";
import { HttpResponse } from "@holdfast/http";
import { findExitAddress } from "../check/exit-address.ts";
import { parseProxyList } from "../list/proxy-list.ts";
import { findChallenge } from "./challenge-pages.ts";

// A vendor or a site controls these texts. Reading a long run of one kind must take linear time.
const runs = [
  ...` \t,;019.aZ="'\\()/:#-%<>?&@{[\u2028`.split(""),
  ...`, | ,|1,|a=|a="|\\"|1s|1h|a;|"a";r=0,|//|%3a%2f%2f|%3f|token=|Bearer `.split("|"),
  ...`<title|<form|<Code>|Digest |; error=|timeout=|Wed, | #|\u2028#|-token`.split("|"),
];
const frames: readonly (readonly [before: string, behind: string])[] = [
  ["", ""],
  ["x", "x"],
  ["1", "x"],
  ['"', "x"],
  ["a=", "x"],
  ['Digest a="', "x"],
  ["Wed, 25 Nov 2026 12:00:30", "GMT"],
  ["Wed Nov 25 2026 13:00:45 GMT+0100 (", "\u0000"],
  ["2026-11-25T12:00", "x"],
  ["https://", "x"],
  ["", "\u2028x"],
];

function pageOf(text: string): HttpResponse {
  const content = new TextEncoder().encode(text);
  const headers = { "content-type": "text/html" };
  return new HttpResponse({ status: 429, statusText: "", url: "https://a.test/", headers, content });
}

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "a page": (text) => findChallenge(pageOf(text)),
  "the address of an exit": (text) => findExitAddress(text),
  "a list of proxies": (text) => parseProxyList(text, "list"),
};

const short = 512;
const times = 32;
// A linear time grows by a factor of 32, a quadratic time by a factor of 1024.
const most = times * 8;
// A shorter time, in microseconds, is too short to be compared.
const least = 30;

/** Returns the shortest of five runs in microseconds of CPU time, which excludes the load of other processes. */
function atBest(read: (text: string) => unknown, text: string, enough: number): number {
  let best = Infinity;
  for (let turn = 0; turn < 5 && best > enough; turn += 1) {
    const before = process.cpuUsage();
    void read(text);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
  }
  return best;
}

for (const [what, read] of Object.entries(readers)) {
  test(`parsing ${what} takes linear time`, () => {
    for (const run of runs) {
      for (const [before, behind] of frames) {
        const of = (length: number): string => before + run.repeat(length / run.length) + behind;
        const limit = most * Math.max(atBest(read, of(short), least), least);
        const took = atBest(read, of(short * times), limit);
        assert.ok(
          took <= limit,
          `${JSON.stringify(`${before}${run}...${behind}`)} took ${took} µs, ${limit} µs were expected at most`,
        );
      }
    }
  });
}
