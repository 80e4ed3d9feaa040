const listeners = new WeakMap<EventTarget, Map<string, Set<unknown>>>();
const { addEventListener, removeEventListener } = EventTarget.prototype;

function listenersOf(target: EventTarget, type: string): Set<unknown> {
  const types = listeners.get(target) ?? new Map<string, Set<unknown>>();
  listeners.set(target, types);
  const all = types.get(type) ?? new Set();
  types.set(type, all);
  return all;
}

// A browser does not tell who listens, so this page, which only runs tests, keeps count.
EventTarget.prototype.addEventListener = function (type, listener, options) {
  const target = this ?? globalThis;
  listenersOf(target, type).add(listener);
  if (typeof options === "object" && options.once === true) {
    addEventListener.call(target, type, () => listenersOf(target, type).delete(listener), { once: true });
  }
  addEventListener.call(target, type, listener, options);
};

EventTarget.prototype.removeEventListener = function (type, listener, options) {
  listenersOf(this ?? globalThis, type).delete(listener);
  removeEventListener.call(this, type, listener, options);
};

/** The listeners of a target, as `node:events` gives them. */
export function getEventListeners(target: EventTarget, type: string): readonly unknown[] {
  return [...listenersOf(target, type)];
}
