import assert from "node:assert/strict";
import { test } from "node:test";
import { IdleConnections, type IdleConnection } from "./idle-connections.ts";

/** Connections that record the order in which they are closed. */
function connections(count: number): { readonly all: IdleConnection[]; readonly closed: number[] } {
  const closed: number[] = [];
  const all = Array.from({ length: count }, (_, number) => ({
    isListedIdle: false,
    nextIdle: undefined,
    previousIdle: undefined,
    stopAccepting: () => undefined,
    destroy: () => void closed.push(number),
  }));
  return { all, closed };
}

test("the idle connection that was idle for longest is closed first beyond the maximum", () => {
  const idle = new IdleConnections(2);
  const { all, closed } = connections(4);

  for (const connection of all) idle.add(connection);

  assert.deepEqual([closed, idle.size], [[0, 1], 2]);
});

test("a connection that was used again counts as idle from the end of that use", () => {
  const idle = new IdleConnections(3);
  const { all, closed } = connections(4);
  const [first, second, third, fourth] = all;
  if (!first || !second || !third || !fourth) throw new Error("Four were made");
  for (const connection of [first, second, third]) idle.add(connection);

  for (const used of [second, first]) {
    idle.remove(used);
    idle.add(used);
  }
  idle.add(fourth);
  idle.closeAll();

  assert.deepEqual([closed, idle.size], [[2, 1, 0, 3], 0]);
});

test("a connection may be added or removed twice", () => {
  const idle = new IdleConnections(1);
  const { all, closed } = connections(1);
  for (const connection of all) {
    idle.add(connection);
    idle.add(connection);
    idle.remove(connection);
    idle.remove(connection);
  }

  assert.deepEqual([closed, idle.size], [[], 0]);
});

test("with a maximum of 0, a connection is closed when it becomes idle", () => {
  const idle = new IdleConnections(0);
  const { all, closed } = connections(1);

  for (const connection of all) idle.add(connection);

  assert.deepEqual(closed, [0]);
});
