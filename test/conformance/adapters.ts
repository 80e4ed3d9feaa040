import type { Adapter } from "./adapter.ts";
import { tenacityRun } from "./tenacity-run.ts";
import { tenacityWait } from "./tenacity-wait.ts";

/** Who plays which vector file: a file that is not named here is reported as not covered. */
export const adapters: Readonly<Record<string, Adapter>> = {
  "tenacity-run.json": tenacityRun,
  "tenacity-wait.json": tenacityWait,
};
