import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HostQueues, readHost } from "./host-queues.ts";
import type { JobLease } from "../ledger/ledger.ts";

function makeLease(id: number, host: string): JobLease {
  return {
    job: { id, line: id, method: "GET", url: `https://${host}/${id}` },
    from: "pending",
    deferrals: 0,
  };
}

function takeAll(hostQueues: HostQueues): JobLease[] {
  const taken: JobLease[] = [];
  for (let lease = hostQueues.take(); lease !== undefined; lease = hostQueues.take()) taken.push(lease);
  return taken;
}

describe("HostQueues", () => {
  it("lets hosts take turns", () => {
    const hostQueues = new HostQueues(9);
    for (const [index, host] of ["a", "a", "a", "b", "c", "b"].entries())
      hostQueues.add(makeLease(index, host));

    const hosts = takeAll(hostQueues).map(({ job }) => readHost(job.url));

    assert.deepEqual(hosts, ["a", "b", "c", "a", "b", "a"]);
  });

  it("returns no lease of a host at its limit until one is finished", () => {
    const hostQueues = new HostQueues(2);
    for (const id of [1, 2, 3]) hostQueues.add(makeLease(id, "a"));
    const [first] = takeAll(hostQueues);
    assert.ok(first !== undefined);
    assert.equal(hostQueues.isReady, false);

    hostQueues.finish(first);

    assert.deepEqual(
      takeAll(hostQueues).map(({ job }) => job.id),
      [3],
    );
  });

  it("treats a name with a dot at its end as the same host", () => {
    assert.equal(readHost("http://A.test.:81/"), readHost("http://a.test:81/"));
  });

  it("treats ports as different hosts", () => {
    assert.notEqual(readHost("http://a:1/"), readHost("http://a:2/"));
  });

  it("returns the leases that were not taken on clear", () => {
    const hostQueues = new HostQueues(1);
    for (const id of [1, 2, 3]) hostQueues.add(makeLease(id, "a"));
    hostQueues.take();

    assert.deepEqual(
      hostQueues.clear().map(({ job }) => job.id),
      [2, 3],
    );
    assert.equal(hostQueues.take(), undefined);
    assert.equal(hostQueues.size, 0);
  });

  it("returns every lease once, in order within its host and within the limit, for any sequence of events", () => {
    const event = fc.oneof(
      fc.record({ add: fc.constantFrom("a", "b", "c") }),
      fc.constant("take" as const),
      fc.constant("finish" as const),
    );
    const property = fc.property(
      fc.array(event, { maxLength: 200 }),
      fc.integer({ min: 1, max: 3 }),
      (events, perHost) => {
        const hostQueues = new HostQueues(perHost);
        const active: JobLease[] = [];
        const given: JobLease[] = [];
        let added = 0;
        const keep = (lease: JobLease | undefined): void => {
          if (lease === undefined) return;
          active.push(lease);
          given.push(lease);
          const host = readHost(lease.job.url);
          assert.ok(active.filter(({ job }) => readHost(job.url) === host).length <= perHost);
        };
        for (const each of events) {
          if (each === "take") keep(hostQueues.take());
          else if (each === "finish") for (const lease of active.splice(0, 1)) hostQueues.finish(lease);
          else hostQueues.add(makeLease((added += 1), each.add));
        }
        while (hostQueues.size > 0) {
          for (const lease of active.splice(0)) hostQueues.finish(lease);
          keep(hostQueues.take());
        }

        assert.deepEqual(
          given.map(({ job }) => job.id).toSorted((a, b) => a - b),
          Array.from({ length: added }, (_, index) => index + 1),
        );
        for (const host of ["a", "b", "c"]) {
          const ids = given.filter(({ job }) => readHost(job.url) === host).map(({ job }) => job.id);
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
