interface Rejection extends Event {
  readonly reason: unknown;
}

const page = globalThis as unknown as {
  addEventListener(type: string, listener: (event: Rejection) => void): void;
  removeEventListener(type: string, listener: (event: Rejection) => void): void;
};
const heard = new Map<unknown, (event: Rejection) => void>();

/** What the tests ask of Node's process: to hear of rejections that nobody handles. */
export const process = {
  on: (_type: "unhandledRejection", hear: (reason: unknown) => void): void => {
    const listener = (event: Rejection): void => {
      event.preventDefault();
      hear(event.reason);
    };
    heard.set(hear, listener);
    page.addEventListener("unhandledrejection", listener);
  },
  off: (_type: "unhandledRejection", hear: (reason: unknown) => void): void => {
    const listener = heard.get(hear);
    if (listener !== undefined) page.removeEventListener("unhandledrejection", listener);
  },
};
