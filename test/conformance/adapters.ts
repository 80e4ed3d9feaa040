import type { Adapter } from "./adapter.ts";
import { requestsMount } from "./requests-mount.ts";
import { requestsPolicy } from "./requests-policy.ts";
import { retryAfter } from "./retry-after.ts";
import { tenacityRun } from "./tenacity-run.ts";
import { tenacityWait } from "./tenacity-wait.ts";
import { urllib3Retry } from "./urllib3-retry.ts";
import { urllib3Urlopen } from "./urllib3-urlopen.ts";

/** The adapter of each vector file. A file without one is reported as not covered. */
export const adapters: Readonly<Record<string, Adapter>> = {
  "requests-mount.json": requestsMount,
  "requests-policy.json": requestsPolicy,
  "retry-after.json": retryAfter,
  "tenacity-run.json": tenacityRun,
  "tenacity-wait.json": tenacityWait,
  "urllib3-retry.json": urllib3Retry,
  "urllib3-urlopen.json": urllib3Urlopen,
};
