import { startChild } from "./child.ts";

/** A running httpbin. Disposing of it stops it. */
export interface Httpbin extends AsyncDisposable {
  readonly pid: number;
  /** Its origin, without a slash at the end. */
  readonly url: string;
}

/** Starts Debian's httpbin under gunicorn, with enough threads for slow responses at the same time. */
export async function httpbin(): Promise<Httpbin> {
  const child = await startChild({
    command: "/usr/bin/gunicorn",
    args: [
      "--bind=127.0.0.1:0",
      "--worker-class=gthread",
      "--threads=16",
      "--graceful-timeout=1",
      "httpbin:app",
    ],
    // Only Debian's own Python has httpbin; that of a version manager does not.
    env: { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" },
    ready: (log) =>
      log.includes("Booting worker") ? /Listening at: (http:\/\/127\.0\.0\.1:\d+)/.exec(log)?.[1] : undefined,
  });
  return { pid: child.pid, url: child.value, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}
