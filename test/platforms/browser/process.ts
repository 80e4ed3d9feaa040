interface Rejection extends Event {
  readonly reason: unknown;
}

const page = globalThis as unknown as {
  addEventListener(type: string, listener: (event: Rejection) => void): void;
  removeEventListener(type: string, listener: (event: Rejection) => void): void;
};
const listeners = new Map<unknown, (event: Rejection) => void>();

/** The part of Node's `process` that the tests use: the event for unhandled rejections. */
export const process = {
  on: (_type: "unhandledRejection", handler: (reason: unknown) => void): void => {
    const listener = (event: Rejection): void => {
      event.preventDefault();
      handler(event.reason);
    };
    listeners.set(handler, listener);
    page.addEventListener("unhandledrejection", listener);
  },
  off: (_type: "unhandledRejection", handler: (reason: unknown) => void): void => {
    const listener = listeners.get(handler);
    if (listener !== undefined) page.removeEventListener("unhandledrejection", listener);
  },
};
