import assert from "node:assert/strict";
import { test } from "node:test";
import { faultOrigin, pageBody, quickstartSite } from "../index.ts";

test("creates the same site for the same seed, and another for another seed", () => {
  const faults = (seed: number): unknown =>
    Array.from({ length: 300 }, (_, index) => quickstartSite({ seed }).pageFaults(index + 1));

  assert.deepEqual(faults(7), faults(7));
  assert.notDeepEqual(faults(7), faults(8));
  assert.equal(pageBody(3, 7), quickstartSite({ seed: 7 }).pageBody(3));
  assert.notEqual(pageBody(3, 7), pageBody(3, 8));
});

test("fails about a third of the pages at first, with every fault, at most twice", () => {
  const site = quickstartSite({ pages: 300 });

  const faults = site.paths.map((_, index) => site.pageFaults(index + 1));

  const failing = faults.filter((each) => each.length > 0);
  assert.ok(failing.length > 80 && failing.length < 120, `${failing.length} fail`);
  assert.equal(new Set(failing.flat()).size, 8);
  assert.equal(Math.max(...faults.map((each) => each.length)), 2);
});

test("creates different bodies of 1 to 20 KB of ASCII", () => {
  const bodies = Array.from({ length: 300 }, (_, index) => pageBody(index + 1));

  const sizes = bodies.map((body) => Buffer.byteLength(body));
  assert.ok(Math.min(...sizes) >= 900 && Math.min(...sizes) < 2_000, `${Math.min(...sizes)}`);
  assert.ok(Math.max(...sizes) <= 20_000 && Math.max(...sizes) > 18_000, `${Math.max(...sizes)}`);
  assert.equal(new Set(bodies).size, 300);
  assert.ok(bodies.every((body) => /^[\x20-\x7e\n]+$/.test(body)));
});

test("serves every page whole after its faults", async (t) => {
  const site = quickstartSite({ pages: 60, silence: 10 });
  const origin = await faultOrigin({ routes: site.routes });
  t.after(() => origin.close());

  for (const [index, url] of site.urls(origin.url).entries()) {
    for (const fault of site.pageFaults(index + 1))
      assert.notEqual(await bodyOf(url), site.pageBody(index + 1), fault);
    assert.equal(await bodyOf(url), site.pageBody(index + 1));
  }
  const missing = await fetch(`${origin.url}/pages/61`);

  await origin.close();
  assert.equal(missing.status, 404);
  assert.deepEqual(origin.errors, []);
});

async function bodyOf(url: string): Promise<string> {
  return fetch(url).then(
    async (response) => response.text().catch(() => "cut"),
    () => "failed",
  );
}
