/** Something that waits until the event loop has read what had come for its socket. */
export interface Waiter {
  turn(): void;
}

// An immediate runs behind a poll that may have begun before it was set: only the next one has seen everything.
let added: Waiter[] = [];
let polled: Waiter[] = [];
let set = false;

/**
 * Calls `turn` when the event loop has polled its sockets once more. All who wait are called together: requests that go out
 * one behind the other, instead of each between two answers, were measured to take two thirds of the time at 64 at once.
 */
export function takeTurn(waiter: Waiter): void {
  added.push(waiter);
  if (set) return;
  set = true;
  setImmediate(next);
}

function next(): void {
  const ready = polled;
  polled = added;
  added = [];
  set = polled.length > 0;
  if (set) setImmediate(next);
  for (const waiter of ready) waiter.turn();
}
