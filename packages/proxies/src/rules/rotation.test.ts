import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/policy/testing";
import { PriorityQueue } from "../state/priority-queue.ts";
import * as fc from "fast-check";
import { RotationQueue, type Readiness, type QueueEntry } from "../state/rotation-queue.ts";
import { followsUse, rotations, type RotationName } from "./rotation.ts";

interface Proxy extends QueueEntry {
  readonly name: string;
  uses: number;
  lastUsed: number;
  hasLeft: boolean;
  readiness: Readiness;
  readonly backs: (() => void)[];
}

function proxy(name: string, given: Partial<Proxy> = {}): Proxy {
  const backs: (() => void)[] = [];
  return {
    name,
    uses: 0,
    lastUsed: -Infinity,
    weight: 1,
    hasLeft: false,
    readiness: "ready",
    backs,
    onceIdle: (back) => backs.push(back),
    ...given,
  };
}

function lineOf(rotate: RotationName, proxies: readonly Proxy[], seed = 1): RotationQueue<Proxy> {
  const line = new RotationQueue<Proxy>({
    rotation: rotations[rotate],
    followsUse: followsUse.has(rotate),
    random: seededRandom(seed),
    readiness: ({ readiness }, now) =>
      typeof readiness === "object" && readiness.from <= now ? "ready" : readiness,
  });
  for (const one of proxies) line.add(one);
  return line;
}

function serve(line: RotationQueue<Proxy>, now = 0): string {
  const who = line.first(now);
  if (who === undefined) return "-";
  use(who, now);
  line.serve();
  return who.name;
}

function use(who: Proxy, now: number): void {
  who.uses += 1;
  who.lastUsed = now;
}

const times = (count: number, run: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => run(index)).join("");

const orders: readonly (readonly [rotate: RotationName, order: string])[] = [
  ["round-robin", "abcabcabc"],
  ["least-used", "abcabcabc"],
  ["least-recently-used", "abcabcabc"],
];

for (const [rotate, order] of orders) {
  test(`${rotate} takes all in turn`, () => {
    const line = lineOf(rotate, [proxy("a"), proxy("b"), proxy("c")]);

    assert.equal(
      times(9, (now) => serve(line, now)),
      order,
    );
  });
}

test("a use elsewhere moves a proxy back where uses or their time count, and not in the round", () => {
  const first = (rotate: RotationName): string => {
    const [a, b, c] = [proxy("a"), proxy("b"), proxy("c")];
    const line = lineOf(rotate, [a, b, c]);
    use(a, 1);
    use(a, 2);
    return times(4, (now) => serve(line, now + 3));
  };

  assert.equal(first("round-robin"), "abca");
  assert.equal(first("least-recently-used"), "bcab");
  assert.equal(first("least-used"), "bcbc");
});

test("a newcomer to the least used does not have to catch up all at once", () => {
  const line = lineOf("least-used", [proxy("a"), proxy("b")]);
  times(20, () => serve(line));

  line.add(proxy("n"));

  assert.match(
    times(6, () => serve(line)),
    /^(?:nab|abn|anb|ban|bna|nba){2}$/,
  );
});

test("a proxy after its cooldown does not catch up either", () => {
  const [a, b] = [proxy("a"), proxy("b", { readiness: { from: 100 } })];
  const line = lineOf("least-used", [a, b]);
  times(20, () => serve(line));

  assert.match(
    times(6, () => serve(line, 100)),
    /^(?:ab|ba){3}$/,
  );
});

test("chance is fair, and has no memory", () => {
  const line = lineOf("random", [proxy("a"), proxy("b"), proxy("c"), proxy("d")]);
  const counts: Record<string, number> = {};
  let repeated = 0;
  let last = "";
  for (let time = 0; time < 40_000; time += 1) {
    const name = serve(line);
    counts[name] = (counts[name] ?? 0) + 1;
    if (name === last) repeated += 1;
    last = name;
  }

  for (const count of Object.values(counts)) assert.ok(Math.abs(count - 10_000) < 400, String(count));
  assert.ok(Math.abs(repeated - 10_000) < 400, `${repeated} times the same again`);
});

test("weights are shares", () => {
  const line = lineOf("weighted", [
    proxy("a", { weight: 1 }),
    proxy("b", { weight: 3 }),
    proxy("c", { weight: 6 }),
  ]);
  const drawn = times(20_000, () => serve(line));
  const share = (name: string): number => drawn.split(name).length - 1;

  assert.ok(Math.abs(share("a") - 2_000) < 250 && Math.abs(share("b") - 6_000) < 350, drawn.slice(0, 50));
});

test("even without any luck everybody has a turn", () => {
  const line = new RotationQueue<Proxy>({
    rotation: rotations.random,
    followsUse: false,
    random: () => 0,
    readiness: () => "ready",
  });
  for (const name of ["a", "b", "c"]) line.add(proxy(name));

  assert.equal(
    times(6, () => serve(line)),
    "abcabc",
  );
});

test("leaves out a proxy until its cooldown ends, and returns that instant", () => {
  const [a, b] = [proxy("a"), proxy("b")];
  const line = lineOf("round-robin", [a, b]);
  a.readiness = { from: 100 };
  b.readiness = { from: 50 };

  assert.equal(serve(line, 0), "-");
  assert.equal(line.nextFree(0), 50);
  assert.equal(
    times(3, () => serve(line, 60)),
    "bbb",
  );
  assert.equal(line.nextFree(60), 60);
  assert.equal(
    times(4, () => serve(line, 100)),
    "baba",
  );
});

test("follows a cooldown that became longer or shorter", () => {
  const a = proxy("a");
  const line = lineOf("round-robin", [a]);
  a.readiness = { from: 50 };
  serve(line, 0);

  a.readiness = { from: 80 };
  assert.equal(line.nextFree(10), 80);
  assert.equal(serve(line, 60), "-");

  a.readiness = "ready";
  assert.equal(line.nextFree(61), 61);
  assert.equal(serve(line, 61), "a");
});

test("skips a proxy that cannot serve this request, and keeps its position", () => {
  const [a, b, c] = [proxy("a"), proxy("b"), proxy("c")];
  const line = lineOf("round-robin", [a, b, c]);
  const notA = ({ name }: Proxy): Readiness => (name === "a" ? { from: 70 } : "ready");
  const serveHere = (here: (who: Proxy) => Readiness): string => {
    const who = line.first(0, here);
    if (who === undefined) return "-";
    use(who, 0);
    line.serve();
    return who.name;
  };

  assert.equal(
    times(4, () => serveHere(notA)),
    "bcbc",
  );
  assert.equal(
    times(4, () => serve(line)),
    "abca",
  );
  assert.equal(line.nextFree(0, notA), 0);
  assert.equal(
    line.nextFree(0, () => ({ from: 70 })),
    70,
  );
  assert.equal(
    line.nextFree(0, () => "busy"),
    1_000,
  );
  assert.equal(
    serveHere(() => "busy"),
    "-",
  );
});

test("a busy proxy returns to the queue when its request has ended", () => {
  const [a, b] = [proxy("a"), proxy("b", { readiness: "busy" })];
  const line = lineOf("round-robin", [a, b]);

  assert.equal(
    times(3, () => serve(line)),
    "aaa",
  );
  assert.equal(line.hasBusy, true);
  b.readiness = "ready";
  for (const back of b.backs) back();

  assert.equal(line.hasBusy, false);
  assert.equal(
    times(4, () => serve(line)),
    "abab",
  );
});

test("forgets a proxy that left, also during its cooldown", () => {
  const [a, b, c] = [proxy("a"), proxy("b", { readiness: { from: 9 } }), proxy("c")];
  const line = lineOf("round-robin", [a, b, c]);
  serve(line);
  serve(line);
  for (const one of [a, b, c]) one.hasLeft = true;

  assert.equal(serve(line), "-");
  assert.equal(line.nextFree(0), undefined);
});

test("a request costs the same with ten thousand cooldowns as with ten", () => {
  let looks = 0;
  const all = Array.from({ length: 10_000 }, (_, index) =>
    proxy(String(index), { readiness: { from: 1_000 } }),
  );
  const line = new RotationQueue<Proxy>({
    rotation: rotations["least-used"],
    followsUse: true,
    random: () => 0,
    readiness: ({ readiness }) => {
      looks += 1;
      return readiness;
    },
  });
  const last = all.at(-1);
  assert.ok(last !== undefined);
  last.readiness = "ready";
  for (const one of all) line.add(one);

  serve(line);
  assert.ok(looks <= 10_000, "each is set aside once");
  looks = 0;
  for (let time = 0; time < 1_000; time += 1) serve(line);

  assert.equal(looks, 1_000);
});

test("a heap gives everything back in order", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), (numbers) => {
      const heap = new PriorityQueue<number>((a, b) => a < b);
      for (const number of numbers) heap.push(number);

      const sorted = Array.from({ length: numbers.length }, () => heap.pop());

      assert.deepEqual(
        sorted,
        numbers.toSorted((a, b) => a - b),
      );
      assert.equal(heap.size, 0);
    }),
  );
});
