import { test } from "node:test";

/** An unprivileged user id, which is not that of the tests. */
export const otherUser = 65_534;

/** Whether the tests may act as other users, and mount file systems. */
export const isRoot: boolean = process.platform === "linux" && process.getuid?.() === 0;

/** A test that only root can run. For other users, a test that says so. */
export function testAsRoot(name: string, run: () => Promise<void> | void): void {
  if (isRoot) test(name, run);
  else test(`NOT TESTED, because only root can: ${name}`, () => undefined);
}
