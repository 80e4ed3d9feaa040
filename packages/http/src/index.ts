export type { HttpAdapterOptions } from "./adapter/options.ts";
export {
  type Adapter,
  type AttemptObserver,
  type DiscardedExchange,
  HttpAdapter,
  type SendOptions,
  type StreamOptions,
} from "./adapter/adapter.ts";
export type { AttemptRecord, Phases, DiscardedResponse } from "./model/attempt-record.ts";
export { type Auth, basicAuth, type Credentials, digestAuth, type DigestOptions } from "./auth/auth.ts";
export { apiKeyAuth, type ApiKeyPlace } from "./auth/api-key-auth.ts";
export { clientCredentialsAuth } from "./session/client-credentials.ts";
export type { ClientCredentialsOptions } from "./session/request-token.ts";
export { formatCookiesTxt, parseCookiesTxt } from "./model/cookies-txt.ts";
export { bearerAuth, type TokenFunction } from "./auth/bearer-auth.ts";
export { type BodySource, toBodySource } from "./model/body-source.ts";
export type { FormFields, FormValue } from "./model/form-fields.ts";
export type { Body, BodyInit, RunInContext } from "./model/body.ts";
export type { ByteStream } from "./model/stream-body.ts";
export type { RequestSummary } from "./model/request-summary.ts";
export { type AttemptMessage, channelNames, type GiveUpMessage } from "./telemetry/diagnostics.ts";
export type { RefusedCookie } from "./model/cookie-bounds.ts";
export type { Cookies } from "./model/cookies.ts";
export * from "./errors/transport-errors.ts";
export * from "./errors/file-errors.ts";
export { type Failure, isFailure } from "./telemetry/call-failure.ts";
export type { GiveUp } from "./telemetry/give-up.ts";
export { type HeaderRecord, type HeadersInit, ResponseHeaders } from "./model/headers.ts";
export type {
  AttemptHook,
  CookieRefusedHook,
  ErrorHook,
  GiveUpHook,
  Hooks,
  HooksInit,
  RequestHook,
  ResponseHook,
  RetryHook,
} from "./telemetry/hooks.ts";
export type { CallWait, SuspendedError } from "./call/suspension.ts";
export type {
  CallContinuation,
  FollowedRedirect,
  RetryCounts,
  StoredAttempt,
} from "./call/call-continuation.ts";
export type { Park } from "./retry/park.ts";
export type { IdempotencyHeader, IdempotencyKey } from "./call/idempotency.ts";
export type { BodyMemory } from "./model/body-memory.ts";
export type { BodyContinuation, InterruptedBody, OnInterruption } from "./model/body-reader.ts";
export type { BodyStream } from "./model/body-stream.ts";
export { logTo, type LogToOptions, type SessionLogLevel } from "./telemetry/log.ts";
export type { HttpRequest, Params, WireForm } from "./model/request.ts";
export type {
  MockedRequest,
  MockFailure,
  MockMatch,
  MockReply,
  MockReplyInit,
  SessionMock,
} from "./session/mock.ts";
export type { ResponsePromise } from "./session/response-promise.ts";
export type { Cursor, NextFunction, NextPage, NextResult, PaginateOptions } from "./session/paginate.ts";
export { EventStreamError, PaginationError } from "./session/errors.ts";
export type { EventsOptions, Reconnect, ServerSentEvent } from "./session/events.ts";
export type { Link, Links } from "./model/links.ts";
export type { LineOptions } from "./model/lines.ts";
export { HttpResponse, type HttpResponseInit, SchemaError, StatusError } from "./model/response.ts";
export type { ProxyScheme } from "./transport/proxy-url.ts";
export type { Environment, ProxyMap } from "./proxy/route/environment.ts";
export type {
  LeaseRequest,
  ProxyAttemptRecord,
  ProxyAvailability,
  ProxyLease,
  ProxyProvider,
  ProxyRequest,
  ProxySelection,
} from "./model/proxy-provider.ts";
export type { Dialect, Hint, StatedLimit, Reply } from "./retry/dialects/dialect.ts";
export { dialects } from "./retry/dialects/index.ts";
export { readField, readNumber, readText } from "./retry/dialects/values.ts";
export { Retry } from "./retry/retry.ts";
export type { RetrySetting } from "./retry/setting.ts";
export type { RequestHistory, RetryEvent } from "./retry/history.ts";
export type { AttemptOutcome, NameList, RetryCondition, RetryCount, RetryInit } from "./retry/options.ts";
export { parseRetryAfter, type ServerDelay } from "./retry/retry-after.ts";
export { errorVerdict, statusVerdict, type Verdict } from "./model/verdict.ts";
export type { ConnectionPhases, Observer, ResponseHead, Trace } from "./model/trace.ts";
export type { DownloadProgress, DownloadResult, SaveOptions } from "./download/download.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./model/schema.ts";
export { Session } from "./session/session.ts";
export { createFetch } from "./session/create-fetch.ts";
export {
  defaultSession,
  del,
  download,
  events,
  get,
  head,
  paginate,
  patch,
  post,
  put,
  request,
  type RequestFunction,
} from "./session/default-session.ts";
export type {
  DownloadOptions,
  RequestOptions,
  SessionOptions,
  StreamRequestOptions,
} from "./call/options.ts";
export { StreamedResponse, type StreamedResponseInit } from "./model/streamed-response.ts";
export { type SessionDefaults, sessionDefaults } from "./session/defaults.ts";
export type { ProxyFault, ProxyReason } from "./errors/proxy-reason.ts";
export type {
  ProxyTimeoutOptions,
  ProxyTimeouts,
  TimeoutOptions,
  Timeouts,
  TimeoutSetting,
} from "./transport/timeouts.ts";
export type { TlsOptions } from "./transport/connect/tls.ts";
export type { Lookup } from "./transport/connect/shared-lookup.ts";
export type { AddressOptions } from "./transport/connect/address-guard.ts";
export type { ConnectorOptions } from "./transport/connect/connector.ts";
export type { TransportOptions } from "./transport/transport.ts";
