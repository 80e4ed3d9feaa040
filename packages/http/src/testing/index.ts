export type { CertificateOptions, SelfSigned } from "./origin/certificate.ts";
export { selfSigned } from "./origin/certificate.ts";
export type { Blackhole } from "./origin/dead-ends.ts";
export { blackhole, refusedPort } from "./origin/dead-ends.ts";
export {
  accept,
  delayAccept,
  closeOnAccept,
  cutHandshake,
  resetOnAccept,
  silentOnAccept,
} from "./replies/connection-faults.ts";
export type { Echo } from "./replies/echo.ts";
export { echo } from "./replies/echo.ts";
export type { CodingName } from "./replies/encoding.ts";
export { encode } from "./replies/encoding.ts";
export type { FaultOrigin, FaultOriginOptions, KeyAndCertificate } from "./origin/fault-origin.ts";
export { faultOrigin } from "./origin/fault-origin.ts";
export type { EndlessBodyOptions } from "./replies/faults.ts";
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
} from "./replies/faults.ts";
export type { Head, HeaderInput, HeaderLine } from "./replies/head.ts";
export { goawayProcessed, goawayUnprocessed, refuseStream, resetStream } from "./replies/http2-faults.ts";
export {
  closeWhenIdle,
  keepAliveHint,
  resetOnNextByte,
  resetOnNextRequest,
  resetWhenIdle,
  timeoutWhenIdle,
} from "./replies/keep-alive.ts";
export type { RangeOptions, Rendition, Version } from "./replies/range-responder.ts";
export { ranged } from "./replies/range-responder.ts";
export type { RecordedRequest } from "./origin/recorder.ts";
export type { RequestHead } from "./wire/request-head.ts";
export type { ChunkedOptions, RespondOptions } from "./replies/respond.ts";
export { chunked, informational, redirect, respond } from "./replies/respond.ts";
export type { Entry, Responder, Routes, Script } from "./origin/routes.ts";
export type {
  ScriptedAdapter,
  ScriptedAdapterOptions,
  ScriptedReply,
  ScriptedEntry,
  ScriptedFailure,
  ScriptedOutcome,
  ScriptedRequest,
} from "./scripted/scripted-adapter.ts";
export { scriptedAdapter } from "./scripted/scripted-adapter.ts";
export type { Place } from "./replies/split.ts";
export { wireBytes } from "./replies/split.ts";
export type {
  Afterwards,
  Reply,
  Bytes,
  Chunk,
  Ending,
  Frame,
  Http2Step,
  LastChunk,
  Repeat,
  Send,
  Step,
} from "./replies/steps.ts";
export type { SocksCredentials, SocksRequest } from "./socks/socks-messages.ts";
export type { SocksProxy, SocksProxyOptions, SocksTurns } from "./socks/socks-proxy.ts";
export { socks4Reply, socks5Reply, socksProxy } from "./socks/socks-proxy.ts";
export { pageBody } from "./sites/page-body.ts";
export type { PageFault, QuickstartSite, QuickstartSiteOptions } from "./sites/quickstart-site.ts";
export { quickstartSite } from "./sites/quickstart-site.ts";
export { type LimitedCounts, type LimitedOrigin, limitedOrigin } from "./sites/limited-origin.ts";
export {
  bucket,
  fixedWindow,
  type SimulatedReply,
  type SimulatedServer,
  slidingLog,
  type Wording,
} from "./sites/simulated-limit.ts";
