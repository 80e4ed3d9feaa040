const listeners = new WeakMap<EventTarget, Map<string, Set<unknown>>>();
const { addEventListener, removeEventListener } = EventTarget.prototype;

function findListeners(target: EventTarget, type: string): Set<unknown> {
  const types = listeners.get(target) ?? new Map<string, Set<unknown>>();
  listeners.set(target, types);
  const all = types.get(type) ?? new Set();
  types.set(type, all);
  return all;
}

// A browser does not list the listeners of a target, so the test page records them.
EventTarget.prototype.addEventListener = function (type, listener, options) {
  const target = this ?? globalThis;
  findListeners(target, type).add(listener);
  if (typeof options === "object" && options.once === true) {
    addEventListener.call(target, type, () => findListeners(target, type).delete(listener), { once: true });
  }
  addEventListener.call(target, type, listener, options);
};

EventTarget.prototype.removeEventListener = function (type, listener, options) {
  findListeners(this ?? globalThis, type).delete(listener);
  removeEventListener.call(this, type, listener, options);
};

/** Returns the listeners of a target, as `node:events` does. */
export function getEventListeners(target: EventTarget, type: string): readonly unknown[] {
  return [...findListeners(target, type)];
}
