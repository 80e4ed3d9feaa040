export type { CertificateOptions, SelfSigned } from "./certificate.ts";
export { selfSigned } from "./certificate.ts";
export type { Blackhole } from "./dead-ends.ts";
export { blackhole, refusedPort } from "./dead-ends.ts";
export {
  accept,
  acceptLate,
  closeOnAccept,
  cutHandshake,
  resetOnAccept,
  silentOnAccept,
} from "./connection-faults.ts";
export type { Echo } from "./echo.ts";
export { echo } from "./echo.ts";
export type { Coding } from "./encoding.ts";
export { encode } from "./encoding.ts";
export type { FaultOrigin, FaultOriginOptions, KeyAndCertificate } from "./fault-origin.ts";
export { faultOrigin } from "./fault-origin.ts";
export type { EndlessBodyOptions } from "./faults.ts";
export {
  close,
  cut,
  drip,
  endlessBody,
  endlessHead,
  raw,
  reset,
  silence,
  stall,
  switchProtocols,
  tunnel,
  withoutReading,
} from "./faults.ts";
export type { Head, HeaderInput, HeaderLine } from "./head.ts";
export { goawayProcessed, goawayUnprocessed, refuseStream, resetStream } from "./http2-faults.ts";
export {
  closeWhenIdle,
  keepAliveHint,
  resetOnNextByte,
  resetOnNextRequest,
  resetWhenIdle,
  timeoutWhenIdle,
} from "./keep-alive.ts";
export type { RangeOptions, Rendition, Version } from "./range-responder.ts";
export { ranged } from "./range-responder.ts";
export type { RecordedRequest } from "./recorder.ts";
export type { RequestHead } from "./request-head.ts";
export type { ChunkedOptions, RespondOptions } from "./respond.ts";
export { chunked, informational, redirect, respond } from "./respond.ts";
export type { Entry, Responder, Routes, Script } from "./routes.ts";
export type {
  ScriptedAdapter,
  ScriptedAdapterOptions,
  ScriptedAnswer,
  ScriptedEntry,
  ScriptedFailure,
  ScriptedOutcome,
  ScriptedRequest,
} from "./scripted-adapter.ts";
export { scriptedAdapter } from "./scripted-adapter.ts";
export type { Place } from "./split.ts";
export { wireBytes } from "./split.ts";
export type {
  Afterwards,
  Answer,
  Bytes,
  Chunk,
  Ending,
  Frame,
  Http2Step,
  LastChunk,
  Repeat,
  Send,
  Step,
} from "./steps.ts";
export type { SocksCredentials, SocksRequest } from "./socks-messages.ts";
export type { SocksProxy, SocksProxyOptions, SocksTurns } from "./socks-proxy.ts";
export { socks4Reply, socks5Reply, socksProxy } from "./socks-proxy.ts";
export { pageBody } from "./page-body.ts";
export type { PageFault, QuickstartSite, QuickstartSiteOptions } from "./quickstart-site.ts";
export { quickstartSite } from "./quickstart-site.ts";
export { type LimitedCounts, type LimitedOrigin, limitedOrigin } from "./limited-origin.ts";
export {
  bucket,
  fixedWindow,
  type SimulatedAnswer,
  type SimulatedServer,
  slidingLog,
  type Wording,
} from "./simulated-limit.ts";
