import assert from "node:assert/strict";
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ProxySource } from "../options/options.ts";
import { openSource } from "./sources.ts";

const labelsOf = (proxies: readonly { readonly label: string }[] | undefined) =>
  proxies?.map(({ label }) => label);

test("openSource reads a list immediately, and rejects an invalid list", () => {
  assert.deepEqual(labelsOf(openSource(["a.test:1", { url: "b.test:2" }]).initial), [
    "http://a.test:1",
    "http://b.test:2",
  ]);
  assert.throws(
    () => openSource(["a.test:1", "b.test"]),
    /the list of proxies: proxy 2: the port is missing/,
  );
});

const environments = [
  [
    "the list in HOLDFAST_PROXIES",
    { HOLDFAST_PROXIES: "a.test:1, b.test:2\n c.test:3" },
    ["a.test:1", "b.test:2", "c.test:3"],
  ],
  [
    "the conventional variables",
    { https_proxy: "http://a.test:1", HTTP_PROXY: "http://a.test:1" },
    ["a.test:1"],
  ],
  [
    "HOLDFAST_PROXIES before the conventional variables",
    { HOLDFAST_PROXIES: "a.test:1", http_proxy: "b.test:2" },
    ["a.test:1"],
  ],
  ["no proxies", {}, []],
] as const;

for (const [what, environment, hosts] of environments) {
  test(`openSource reads ${what} from the environment`, () => {
    const expected = hosts.map((host) => `http://${host}`);

    assert.deepEqual(labelsOf(openSource({ environment }).initial), expected);
  });
}

test("openSource applies no_proxy to the environment's proxies only", () => {
  assert.equal(openSource({ environment: { NO_PROXY: "b.test" } }).exempt, "b.test");
  assert.equal(openSource(["a.test:1"]).exempt, undefined);
});

test("openSource reads a file, and reads it again after a change", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-proxies-"));
  const file = join(folder, "proxies.txt");
  await writeFile(file, "a.test:1\n");
  const { read, initial } = openSource({ file });

  const first = await read();
  const unchanged = await read();
  await writeFile(file, "a.test:1\nb.test\nc.test:3\n");
  await utimes(file, 1, 1);
  const second = await read();
  await rm(folder, { recursive: true });

  assert.equal(initial, undefined);
  assert.deepEqual(labelsOf(first?.proxies), ["http://a.test:1"]);
  assert.equal(unchanged, undefined);
  assert.deepEqual(labelsOf(second?.proxies), ["http://a.test:1", "http://c.test:3"]);
  assert.deepEqual(second?.faults, ["proxies.txt:2: the port is missing"]);
  await assert.rejects(read(), { code: "ENOENT" });
});

test("openSource calls a function at each read", async () => {
  let calls = 0;
  const {
    read,
    every,
    minAvailable: below,
    afterCooldowns,
  } = openSource(async () => [`a.test:${(calls += 1)}`]);

  assert.deepEqual(labelsOf((await read())?.proxies), ["http://a.test:1"]);
  assert.deepEqual(labelsOf((await read())?.proxies), ["http://a.test:2"]);
  assert.deepEqual([every, below, afterCooldowns], [600_000, 1, 3]);
});

test("openSource rejects an invalid source", () => {
  assert.throws(() => openSource({} as ProxySource), /ProxyPool takes a list of proxies/);
});

test("readers that share a failed call get an error object each", async () => {
  const failed = Promise.withResolvers<readonly string[]>();
  const fetch = (): Promise<readonly string[]> => failed.promise;
  const readings = [openSource(fetch), openSource({ fetch })].map((reader) => reader.read());
  failed.reject(new TypeError("the list is down"));

  const errors = (await Promise.allSettled(readings)).map(
    (reading) => reading.status === "rejected" && (reading.reason as unknown),
  );

  assert.notEqual(errors[0], errors[1]);
  for (const error of errors) assert.ok(error instanceof TypeError && error.message === "the list is down");
});

test("two readers of one function share its call under way, and not its result", async () => {
  const calls: PromiseWithResolvers<readonly string[]>[] = [];
  const fetch = (): Promise<readonly string[]> => {
    const call = Promise.withResolvers<readonly string[]>();
    calls.push(call);
    return call.promise;
  };
  const readers = [openSource(fetch), openSource({ fetch })];

  const readings = readers.map((reader) => reader.read());
  calls[0]?.resolve(["a.test:1"]);

  for (const reading of readings) assert.deepEqual(labelsOf((await reading)?.proxies), ["http://a.test:1"]);
  void readers[0]?.read();
  assert.equal(calls.length, 2);
});
