import { objectWithMethods, refuse } from "../support/validate.ts";

// The fetch of Node 22 and undici 5 and 6 read the first, newer ones the second.
const symbols = ["undici.globalDispatcher.1", "undici.globalDispatcher.2"].map((name) => Symbol.for(name));

/**
 * Sets the dispatcher of the platform's fetch and of every copy of undici in the process. The function of that name in a copy of undici
 * sets it only for itself and some other versions.
 *
 * @throws TypeError for a value that is not a dispatcher.
 */
export function setGlobalDispatcher(agent: object): void {
  refuse("setGlobalDispatcher", objectWithMethods("a dispatcher, such as dispatcher()", ["dispatch"])(agent));
  for (const symbol of symbols)
    Object.defineProperty(globalThis, symbol, {
      value: agent,
      writable: true,
      enumerable: false,
      configurable: false,
    });
}

/** Whether a dispatcher is set for every copy of undici in the process. */
export function isGlobalDispatcher(agent: object): boolean {
  return symbols.every((symbol) => Reflect.get(globalThis, symbol) === agent);
}
