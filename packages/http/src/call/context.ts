import type { Attempt, Policy, RetryRule, Scope } from "@holdfast/policy";
import type { Adapter } from "../adapter/adapter.ts";
import type { Auth } from "../auth/auth.ts";
import type { BodyShare } from "../model/body-budget.ts";
import type { BodyContinuation, InterruptedBody } from "../model/body-reader.ts";
import type { Cookies } from "../model/cookies.ts";
import type { HttpRequest } from "../model/request.ts";
import type { CallInfo, HttpResponse } from "../model/response.ts";
import type { Limiters, RateLimitTurn } from "../pacing/limiters.ts";
import type { Route } from "../proxy/route/route.ts";
import type { Park } from "../retry/park.ts";
import type { AttemptFacts } from "../retry/retry-decision.ts";
import type { Retry } from "../retry/retry.ts";
import type { RetryDecision } from "../retry/rules.ts";
import type { RetrySetting } from "../retry/setting.ts";
import type { Hooks } from "../telemetry/hooks.ts";
import type { AttemptResult, CallRules } from "./attempt.ts";
import type { CallBounds } from "./call-bounds.ts";
import type { RequestOptions } from "./options.ts";

/** The settings that all requests of one call share, redirects included: the options of the request over those of the session. */
export interface CallContext extends CallBounds {
  /** Once aborted, the call makes no further attempt. */
  readonly drain: AbortSignal | undefined;
  readonly hooks: Hooks;
  readonly throwOnStatus: boolean;
  readonly waitForCircuit: boolean;
  readonly maxRedirects: number | null;
  readonly maxBytes: number;
  readonly verifyDigest: boolean | "encoded" | undefined;
  readonly sensitiveHeaders: readonly string[];
  /** The `retry` option of the request itself. */
  readonly retry: RetrySetting | undefined;
  /** Whether the request itself waits for learned rate limits. */
  readonly pacing: boolean | undefined;
  readonly proxy: RequestOptions["proxy"];
  /** The memory of the call for its bodies; absent without a budget, and where bodies are streamed. */
  readonly memory?: BodyShare | undefined;
  /** The streamed responses of the call; absent where bodies are buffered. */
  readonly streams?: CallStreams | undefined;
  /** Whether the caller is a fetch: it gets every status, and each of its waits for a rate limit is bounded. */
  readonly isFetch: boolean;
  /** Ends the call in place of its waits; absent where it waits. */
  readonly suspension?: CallSuspension | undefined;
}

/** A call, as its suspension sees it. */
export interface SuspendedCall extends Pick<CallInfo, "attempts"> {
  readonly request: HttpRequest;
  /** The retries that remain. */
  readonly retry: Retry;
  /** The attempts since the latest redirect that count for the back-off. */
  readonly countedAttempts: number;
  /** The label of the proxy of the latest attempt, without credentials. */
  readonly proxyLabel: string | undefined;
  /** Adds milliseconds on the wire, and returns their sum. */
  addWireTime(ms: number): number;
}

/** Ends one call in place of its waits. */
export interface CallSuspension {
  /** The redirects that were followed before it was suspended. */
  readonly history: readonly HttpResponse[];
  /** The error with which it was suspended. */
  readonly error: Error | undefined;
  /** Runs the retry loop of the call, from where it was suspended. */
  run(rule: RetryRule<AttemptResult>, call: CallRules, context: Scope): Promise<AttemptResult>;
  /** Returns the scope of the policy around an attempt: what would wait in it is refused. */
  policyScope(scope: Scope): Scope;
  /** Returns the wait after an attempt that is not a back-off of the call. */
  findPark(facts: AttemptFacts, decision: RetryDecision): Park | undefined;
  /** Ends the call with such a wait, after its attempt was recorded if it was sent. `turn` is the wait by the known rate limits. */
  park(
    park: Park,
    place: { readonly attempt: Attempt<AttemptResult>; readonly turn: RateLimitTurn | undefined },
  ): never;
  /** Continues with the next call after a redirect. Ends it if the redirect asks for a wait of `delay` milliseconds. */
  follow(next: SuspendedCall, redirect: HttpResponse, delay: number): void;
}

/** The streamed responses of one call. */
export interface CallStreams {
  /** Returns an adapter that sends through this one and streams the responses. */
  through(adapter: Adapter, retry: Retry): Adapter;
  /** Continues a body that broke off after its response was returned, by further attempts of the call. */
  continueBody(call: CallRules, first: HttpResponse, broke: InterruptedBody): Promise<BodyContinuation>;
}

/** Everything that takes part in sending an attempt, apart from the request itself. */
export interface AttemptContext {
  readonly adapter: Adapter;
  readonly hooks: Hooks;
  readonly cookies: Cookies | undefined;
  readonly auth: Auth | undefined;
  /** The policy around every attempt at this origin. */
  readonly policy: Policy | undefined;
  /** The limits of the wait for functions of the caller. @default no limit */
  readonly bounds?: CallBounds | undefined;
}

/** The parts of one call to one URL. */
export interface CallPlan extends AttemptContext {
  readonly request: HttpRequest;
  readonly retry: Retry;
  readonly timeouts: CallBounds["timeouts"];
  readonly throwOnStatus: boolean;
  readonly waitForCircuit: boolean;
  readonly maxBytes: number;
  readonly verifyDigest: boolean | "encoded" | undefined;
  /** The proxy, or the pool to lease one from for each attempt; undefined connects directly. */
  readonly proxy: Route;
  readonly drain: AbortSignal | undefined;
  /** The rate limits that the session has learned; undefined where it does not pace. */
  readonly limiters: Limiters | undefined;
  readonly streams: CallStreams | undefined;
  readonly suspension: CallSuspension | undefined;
  readonly memory?: BodyShare | undefined;
  readonly isFetch: boolean;
  /** The request that a redirect answered, if this call follows one. */
  readonly before?: (Pick<CallInfo, "attempts"> & { addWireTime(ms: number): number }) | undefined;
}
