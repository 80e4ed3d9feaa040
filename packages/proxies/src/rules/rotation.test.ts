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

function queueOf(rotate: RotationName, proxies: readonly Proxy[], seed = 1): RotationQueue<Proxy> {
  const queue = new RotationQueue<Proxy>({
    rotation: rotations[rotate],
    followsUse: followsUse.has(rotate),
    random: seededRandom(seed),
    readiness: ({ readiness }, now) =>
      typeof readiness === "object" && readiness.from <= now ? "ready" : readiness,
  });
  for (const one of proxies) queue.add(one);
  return queue;
}

function serve(queue: RotationQueue<Proxy>, now = 0): string {
  const next = queue.first(now);
  if (next === undefined) return "-";
  use(next, now);
  queue.serve();
  return next.name;
}

function use(used: Proxy, now: number): void {
  used.uses += 1;
  used.lastUsed = now;
}

const times = (count: number, run: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => run(index)).join("");

const orders: readonly (readonly [rotate: RotationName, order: string])[] = [
  ["round-robin", "abcabcabc"],
  ["least-used", "abcabcabc"],
  ["least-recently-used", "abcabcabc"],
];

for (const [rotate, order] of orders) {
  test(`${rotate} uses all proxies in turn`, () => {
    const queue = queueOf(rotate, [proxy("a"), proxy("b"), proxy("c")]);

    assert.equal(
      times(9, (now) => serve(queue, now)),
      order,
    );
  });
}

test("a use outside the queue moves a proxy back in least-used and least-recently-used, not in round-robin", () => {
  const first = (rotate: RotationName): string => {
    const [a, b, c] = [proxy("a"), proxy("b"), proxy("c")];
    const queue = queueOf(rotate, [a, b, c]);
    use(a, 1);
    use(a, 2);
    return times(4, (now) => serve(queue, now + 3));
  };

  assert.equal(first("round-robin"), "abca");
  assert.equal(first("least-recently-used"), "bcab");
  assert.equal(first("least-used"), "bcbc");
});

test("a proxy that joins least-used does not have to catch up", () => {
  const queue = queueOf("least-used", [proxy("a"), proxy("b")]);
  times(20, () => serve(queue));

  queue.add(proxy("n"));

  assert.match(
    times(6, () => serve(queue)),
    /^(?:nab|abn|anb|ban|bna|nba){2}$/,
  );
});

test("a proxy in least-used does not catch up after its cooldown", () => {
  const [a, b] = [proxy("a"), proxy("b", { readiness: { from: 100 } })];
  const queue = queueOf("least-used", [a, b]);
  times(20, () => serve(queue));

  assert.match(
    times(6, () => serve(queue, 100)),
    /^(?:ab|ba){3}$/,
  );
});

test("random uses all proxies equally often, independent of the previous one", () => {
  const queue = queueOf("random", [proxy("a"), proxy("b"), proxy("c"), proxy("d")]);
  const counts: Record<string, number> = {};
  let repeated = 0;
  let last = "";
  for (let time = 0; time < 40_000; time += 1) {
    const name = serve(queue);
    counts[name] = (counts[name] ?? 0) + 1;
    if (name === last) repeated += 1;
    last = name;
  }

  for (const count of Object.values(counts)) assert.ok(Math.abs(count - 10_000) < 400, String(count));
  assert.ok(Math.abs(repeated - 10_000) < 400, `${repeated} times the same again`);
});

test("weighted uses proxies in proportion to their weights", () => {
  const queue = queueOf("weighted", [
    proxy("a", { weight: 1 }),
    proxy("b", { weight: 3 }),
    proxy("c", { weight: 6 }),
  ]);
  const drawn = times(20_000, () => serve(queue));
  const share = (name: string): number => drawn.split(name).length - 1;

  assert.ok(Math.abs(share("a") - 2_000) < 250 && Math.abs(share("b") - 6_000) < 350, drawn.slice(0, 50));
});

test("random uses all proxies in turn when every random number is 0", () => {
  const queue = new RotationQueue<Proxy>({
    rotation: rotations.random,
    followsUse: false,
    random: () => 0,
    readiness: () => "ready",
  });
  for (const name of ["a", "b", "c"]) queue.add(proxy(name));

  assert.equal(
    times(6, () => serve(queue)),
    "abcabc",
  );
});

test("a queue skips a proxy until its cooldown ends, and returns that time", () => {
  const [a, b] = [proxy("a"), proxy("b")];
  const queue = queueOf("round-robin", [a, b]);
  a.readiness = { from: 100 };
  b.readiness = { from: 50 };

  assert.equal(serve(queue, 0), "-");
  assert.equal(queue.nextFree(0), 50);
  assert.equal(
    times(3, () => serve(queue, 60)),
    "bbb",
  );
  assert.equal(queue.nextFree(60), 60);
  assert.equal(
    times(4, () => serve(queue, 100)),
    "baba",
  );
});

test("a queue follows a cooldown that became longer or shorter", () => {
  const a = proxy("a");
  const queue = queueOf("round-robin", [a]);
  a.readiness = { from: 50 };
  serve(queue, 0);

  a.readiness = { from: 80 };
  assert.equal(queue.nextFree(10), 80);
  assert.equal(serve(queue, 60), "-");

  a.readiness = "ready";
  assert.equal(queue.nextFree(61), 61);
  assert.equal(serve(queue, 61), "a");
});

test("a queue skips a proxy that cannot serve this request, and keeps its position", () => {
  const [a, b, c] = [proxy("a"), proxy("b"), proxy("c")];
  const queue = queueOf("round-robin", [a, b, c]);
  const notA = ({ name }: Proxy): Readiness => (name === "a" ? { from: 70 } : "ready");
  const serveHere = (here: (candidate: Proxy) => Readiness): string => {
    const next = queue.first(0, here);
    if (next === undefined) return "-";
    use(next, 0);
    queue.serve();
    return next.name;
  };

  assert.equal(
    times(4, () => serveHere(notA)),
    "bcbc",
  );
  assert.equal(
    times(4, () => serve(queue)),
    "abca",
  );
  assert.equal(queue.nextFree(0, notA), 0);
  assert.equal(
    queue.nextFree(0, () => ({ from: 70 })),
    70,
  );
  assert.equal(
    queue.nextFree(0, () => "busy"),
    1_000,
  );
  assert.equal(
    serveHere(() => "busy"),
    "-",
  );
});

test("a busy proxy returns to the queue when its request has ended", () => {
  const [a, b] = [proxy("a"), proxy("b", { readiness: "busy" })];
  const queue = queueOf("round-robin", [a, b]);

  assert.equal(
    times(3, () => serve(queue)),
    "aaa",
  );
  assert.equal(queue.hasBusy, true);
  b.readiness = "ready";
  for (const back of b.backs) back();

  assert.equal(queue.hasBusy, false);
  assert.equal(
    times(4, () => serve(queue)),
    "abab",
  );
});

test("a queue removes a proxy that left, also during its cooldown", () => {
  const [a, b, c] = [proxy("a"), proxy("b", { readiness: { from: 9 } }), proxy("c")];
  const queue = queueOf("round-robin", [a, b, c]);
  serve(queue);
  serve(queue);
  for (const one of [a, b, c]) one.hasLeft = true;

  assert.equal(serve(queue), "-");
  assert.equal(queue.nextFree(0), undefined);
});

test("a request checks one proxy, even with ten thousand cooldowns", () => {
  let looks = 0;
  const all = Array.from({ length: 10_000 }, (_, index) =>
    proxy(String(index), { readiness: { from: 1_000 } }),
  );
  const queue = new RotationQueue<Proxy>({
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
  for (const one of all) queue.add(one);

  serve(queue);
  assert.ok(looks <= 10_000, "each is set aside once");
  looks = 0;
  for (let time = 0; time < 1_000; time += 1) serve(queue);

  assert.equal(looks, 1_000);
});

test("PriorityQueue returns its items in order", () => {
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
