import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Frontier, parseHost } from "./frontier.ts";
import type { JobLease } from "../ledger/ledger.ts";

function leaseOf(id: number, host: string): JobLease {
  return {
    job: { id, line: id, method: "GET", url: `https://${host}/${id}` },
    from: "pending",
    deferrals: 0,
  };
}

function takeAll(frontier: Frontier): JobLease[] {
  const taken: JobLease[] = [];
  for (let lease = frontier.take(); lease !== undefined; lease = frontier.take()) taken.push(lease);
  return taken;
}

describe("frontier", () => {
  it("lets hosts take turns", () => {
    const frontier = new Frontier(9);
    for (const [index, host] of ["a", "a", "a", "b", "c", "b"].entries()) frontier.add(leaseOf(index, host));

    const hosts = takeAll(frontier).map(({ job }) => parseHost(job.url));

    assert.deepEqual(hosts, ["a", "b", "c", "a", "b", "a"]);
  });

  it("gives a host no more than its limit until one is finished", () => {
    const frontier = new Frontier(2);
    for (const id of [1, 2, 3]) frontier.add(leaseOf(id, "a"));
    const [first] = takeAll(frontier);
    assert.ok(first !== undefined);
    assert.equal(frontier.isReady, false);

    frontier.finish(first);

    assert.deepEqual(
      takeAll(frontier).map(({ job }) => job.id),
      [3],
    );
  });

  it("tells ports apart", () => {
    assert.notEqual(parseHost("http://a:1/"), parseHost("http://a:2/"));
  });

  it("gives up what was not taken", () => {
    const frontier = new Frontier(1);
    for (const id of [1, 2, 3]) frontier.add(leaseOf(id, "a"));
    frontier.take();

    assert.deepEqual(
      frontier.clear().map(({ job }) => job.id),
      [2, 3],
    );
    assert.equal(frontier.take(), undefined);
    assert.equal(frontier.size, 0);
  });

  it("gives every lease once, in order within its host, and never more than the limit, whatever the order of events", () => {
    const event = fc.oneof(
      fc.record({ add: fc.constantFrom("a", "b", "c") }),
      fc.constant("take" as const),
      fc.constant("finish" as const),
    );
    const property = fc.property(
      fc.array(event, { maxLength: 200 }),
      fc.integer({ min: 1, max: 3 }),
      (events, perHost) => {
        const frontier = new Frontier(perHost);
        const active: JobLease[] = [];
        const given: JobLease[] = [];
        let added = 0;
        const keep = (lease: JobLease | undefined): void => {
          if (lease === undefined) return;
          active.push(lease);
          given.push(lease);
          const host = parseHost(lease.job.url);
          assert.ok(active.filter(({ job }) => parseHost(job.url) === host).length <= perHost);
        };
        for (const each of events) {
          if (each === "take") keep(frontier.take());
          else if (each === "finish") for (const lease of active.splice(0, 1)) frontier.finish(lease);
          else frontier.add(leaseOf((added += 1), each.add));
        }
        while (frontier.size > 0) {
          for (const lease of active.splice(0)) frontier.finish(lease);
          keep(frontier.take());
        }

        assert.deepEqual(
          given.map(({ job }) => job.id).toSorted((a, b) => a - b),
          Array.from({ length: added }, (_, index) => index + 1),
        );
        for (const host of ["a", "b", "c"]) {
          const ids = given.filter(({ job }) => parseHost(job.url) === host).map(({ job }) => job.id);
          assert.deepEqual(
            ids,
            ids.toSorted((a, b) => a - b),
          );
        }
      },
    );
    fc.assert(property);
  });
});
