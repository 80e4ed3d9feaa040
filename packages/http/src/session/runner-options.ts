import { retryBudget, systemClock, systemRandom, type RetryBudget } from "@holdfast/policy";
import type { CallRunnerOptions } from "../call/call-runner.ts";
import type { SessionOptions } from "../call/options.ts";
import { createRouter } from "../proxy/route/route.ts";
import { resolveRetry } from "../retry/setting.ts";
import { resolveTimeouts } from "../transport/timeouts.ts";
import { sessionDefaults } from "./defaults.ts";
import { toRequestDefaults } from "./request-defaults.ts";

/** The parts that a session creates itself. */
type OwnParts = "adapters" | "hooks" | "cookies" | "budget" | "bodies" | "parent";

/** Returns the options of the calls, with the defaults of a session filled in. */
export function toRunnerOptions(options: SessionOptions): Omit<CallRunnerOptions, OwnParts> {
  const { clock = systemClock, random = systemRandom, throwOnStatus, waitForCircuit } = options;
  const { retry, maxRedirects, maxBytes } = sessionDefaults;
  return {
    router: createRouter(options.proxy, options.trustEnvironment === false ? undefined : process.env),
    request: toRequestDefaults(options, sessionDefaults.headers),
    policy: options.policy,
    retry: resolveRetry(options.retry, retry),
    timeouts: resolveTimeouts(options.timeout),
    throwOnStatus,
    waitForCircuit,
    maxRedirects: options.maxRedirects === undefined ? maxRedirects : options.maxRedirects,
    maxBytes: options.maxBytes,
    minSpeed: options.minSpeed,
    verifyDigest: options.verifyDigest,
    maxBufferedBytes: maxBytes,
    sensitiveHeaders: options.sensitiveHeaders ?? [],
    pacing: options.pacing,
    clock,
    random,
  };
}

/** Returns the retry budget of a session without one. */
export function defaultBudget({ clock = systemClock }: SessionOptions): RetryBudget {
  return retryBudget({ ...sessionDefaults.budget, clock });
}
