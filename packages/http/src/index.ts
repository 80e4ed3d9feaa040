export {
  type Adapter,
  HttpAdapter,
  type HttpAdapterOptions,
  type SendOptions,
  type StreamOptions,
} from "./adapter.ts";
export type { AttemptRecord, Phases, Unused } from "./attempt-record.ts";
export { type Auth, basicAuth, bearerAuth, digestAuth, type DigestOptions } from "./auth.ts";
export { type BodySource, sourceOf } from "./body-source.ts";
export type { BodyInit, ByteStream } from "./body.ts";
export type { Asked } from "./asked.ts";
export { type AttemptMessage, channelNames, type GiveUpMessage } from "./channels.ts";
export type { Cookies } from "./cookies.ts";
export * from "./errors.ts";
export * from "./save/errors.ts";
export { type Failure, isFailure } from "./failure.ts";
export type { GiveUp } from "./give-up.ts";
export { type HeadersInit, ResponseHeaders } from "./headers.ts";
export type {
  AttemptHook,
  ErrorHook,
  GiveUpHook,
  Hooks,
  HooksInit,
  RequestHook,
  ResponseHook,
  RetryHook,
} from "./hooks.ts";
export type { IdempotencyHeader, IdempotencyKey } from "./idempotency.ts";
export type { LiveBody } from "./live-body.ts";
export { logTo, type LogToOptions } from "./log.ts";
export type { HttpRequest, Params } from "./request.ts";
export type { ResponsePromise } from "./response-promise.ts";
export { Response } from "./response.ts";
export {
  checkProxies,
  type ProxyCheck,
  type ProxyCheckOptions,
  type ProxyChecks,
  type ProxyFailure,
} from "./proxy-check.ts";
export type { ProxyScheme } from "./proxy/address.ts";
export type { ProxyCredentials, ProxyEntry, ProxyInput } from "./proxy/entry.ts";
export type { Environment, ProxyMap } from "./proxy/environment.ts";
export type { ProxyEvent, ProxyListener } from "./proxy/events.ts";
export type { Lease as ProxyLease, Prospect as ProxyProspect } from "./proxy/lease.ts";
export type { ProxyCounts } from "./proxy/member.ts";
export type { OutcomeKind, ProxyOutcome } from "./proxy/outcome.ts";
export type {
  ChooseProxy,
  IsBlocked,
  ProxyCandidate,
  ProxyPoolOptions,
  ProxyRequest,
  ProxySelection,
  ProxyTier,
} from "./proxy/pool-options.ts";
export { type LeaseRequest, ProxyPool } from "./proxy/pool.ts";
export type { RotationName } from "./proxy/rotation.ts";
export { proxyPoolDefaults } from "./proxy/settings.ts";
export type {
  FetchedProxies,
  FetchProxies,
  ProxyEnvironment,
  ProxyFile,
  ProxySource,
} from "./proxy/sources.ts";
export type { ProxyMemory, RememberedHealth } from "./proxy/memory.ts";
export type { ProxyPoolStats, ProxyStats } from "./proxy/stats.ts";
export type { SessionLimits } from "./proxy/template.ts";
export type { TierCounts } from "./proxy/tier-book.ts";
export type { Dialect, Hint, StatedLimit, Reply } from "./retry/dialects/dialect.ts";
export { dialects } from "./retry/dialects/index.ts";
export { fieldOf, numberIn, textIn } from "./retry/dialects/values.ts";
export { Retry } from "./retry/retry.ts";
export type { RetryInit } from "./retry/retry-init.ts";
export { parseRetryAfter } from "./retry/retry-after.ts";
export { errorVerdict, statusVerdict, type Verdict } from "./retry/verdict.ts";
export type { ConnectionLegs, Observer, Trace } from "./trace.ts";
export type { Progress, Saved, SaveOptions } from "./save/save.ts";
export { SchemaError, type SchemaIssue, type StandardSchema } from "./schema.ts";
export { Session } from "./session.ts";
export type { RequestOptions, SessionOptions, StreamRequestOptions } from "./session-options.ts";
export { StreamedResponse, type StreamedAnswer } from "./streamed-response.ts";
export { sessionDefaults } from "./session-defaults.ts";
export type { ProxyFault, ProxyReason } from "./proxy-fault.ts";
export type { ProxyTimeoutOptions, TimeoutOptions } from "./timeouts.ts";
