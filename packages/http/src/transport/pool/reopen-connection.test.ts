import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { fakeClock } from "@holdfast/policy/testing";
import { ConnectionError } from "../../errors/transport-errors.ts";
import { IdleConnections, type IdleConnection } from "./idle-connections.ts";
import { reopenWithoutDescriptors } from "./reopen-connection.ts";

const origin = new URL("http://a.test");
const { signal } = new AbortController();

function failure(errno: string): Error {
  const cause = Object.assign(new Error("no"), { code: errno });
  return new ConnectionError(`no (${errno})`, { cause, errno, phase: "connect", mayHaveArrived: false });
}

/** Fails with these errors, one after another, and then opens a connection. */
function opening(errors: readonly Error[]): {
  readonly limits: number[];
  readonly open: () => Promise<Socket>;
} {
  const clock = fakeClock();
  const idle = new IdleConnections(5);
  const limits: number[] = [];
  const open = reopenWithoutDescriptors(
    (_origin, { connectLimit }) => {
      const error = errors[limits.length];
      limits.push(connectLimit);
      return error === undefined ? Promise.resolve(new Socket()) : Promise.reject(error);
    },
    { idle, clock },
  );
  return { limits, open: () => open(origin, { connectLimit: 100 }, signal) };
}

for (const error of [
  failure("EMFILE"),
  failure("ENFILE"),
  Object.assign(new Error("proxy"), { cause: failure("EMFILE") }),
]) {
  test(`a connection is opened again within its limit after ${error.message}`, async () => {
    const { open, limits } = opening([error, error]);

    assert.ok((await open()) instanceof Socket);
    assert.deepEqual(limits, [100, 90, 70]);
  });
}

test("a connection that lacks a file descriptor until its limit fails with that error", async () => {
  const error = failure("EMFILE");
  const { open, limits } = opening(Array.from({ length: 20 }, () => error));

  await assert.rejects(open(), error);
  assert.deepEqual(limits, [100, 90, 70, 30]);
});

test("another error is not a reason to open the connection again", async () => {
  const error = failure("ECONNREFUSED");
  const { open, limits } = opening([error]);

  await assert.rejects(open(), error);
  assert.equal(limits.length, 1);
});

test("all idle connections are closed for a connection that lacks a file descriptor", async () => {
  const idle = new IdleConnections(5);
  let closed = 0;
  const connection: IdleConnection = {
    isListedIdle: false,
    nextIdle: undefined,
    previousIdle: undefined,
    stopAccepting: () => undefined,
    destroy: () => (closed += 1),
  };
  idle.add(connection);
  const connect = reopenWithoutDescriptors(
    () => (closed === 0 ? Promise.reject(failure("EMFILE")) : Promise.resolve(new Socket())),
    { idle, clock: fakeClock() },
  );

  await connect(origin, { connectLimit: 100 }, signal);

  assert.deepEqual([closed, idle.size], [1, 0]);
});
