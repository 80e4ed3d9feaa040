import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ByteSource } from "./byte-source.ts";
import { play } from "./play.ts";
import type { LiveRequest, Recorder } from "../origin/recorder.ts";
import { now } from "../origin/recorder.ts";
import { ReceivedBody } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import { parseHead } from "./request-head.ts";
import { respond } from "../replies/respond.ts";
import type { Routes } from "../origin/routes.ts";
import { resolveReply, entryFor, findScript, readsFirst } from "../origin/routes.ts";
import { SocketWire } from "./socket-wire.ts";
import type { Afterwards, Reply } from "../replies/steps.ts";

/** State that all connections of an origin share. */
export interface Shared {
  readonly routes: Routes;
  readonly recorder: Recorder;
  /** Receives errors of responders and steps. */
  readonly onError: (error: unknown) => void;
}

/** An accepted connection. */
export interface Accepted {
  readonly stream: Duplex;
  readonly raw: Socket;
  readonly source: ByteSource;
  readonly number: number;
}

/** Serves requests on one HTTP/1 connection, one after the other, until it ends. */
export async function serveHttp1(accepted: Accepted, shared: Shared): Promise<void> {
  const wire = new SocketWire(accepted.stream, accepted.raw, accepted.source);
  while (!wire.over) {
    if (!(await untilNextByte(wire, accepted.source))) return;
    const head = await readHead(wire, accepted.source);
    if (!head) return;
    await serveRequest(head, wire, { ...accepted, shared });
  }
}

/** Resolves with true when a request begins. Plays the steps that were armed for the time before it. */
async function untilNextByte(wire: SocketWire, source: ByteSource): Promise<boolean> {
  while (source.pending.length === 0) {
    const idle = wire.armed && "whenIdle" in wire.armed ? wire.armed : undefined;
    const next = await bytesOrIdle(source, idle?.whenIdle);
    if (next === "bytes") break;
    wire.armed = undefined;
    await play(next === "idle" && idle ? idle.play : goodBye, wire);
    if (wire.over) return false;
  }
  await play(atFirstByte(wire.armed), wire);
  return !wire.over;
}

function atFirstByte(armed: Afterwards | undefined): Reply {
  return armed && "whenNextByte" in armed ? armed.whenNextByte : [];
}

async function bytesOrIdle(
  source: ByteSource,
  idle: number | undefined,
): Promise<"bytes" | "idle" | "ended"> {
  const timer = idle === undefined ? undefined : setTimeout(() => source.stopWaiting(), idle);
  const begun = await source.more();
  clearTimeout(timer);
  if (begun) return "bytes";
  return source.ended ? "ended" : "idle";
}

async function readHead(wire: SocketWire, source: ByteSource): Promise<RequestHead | undefined> {
  for (;;) {
    const parse = parseHead(source.pending);
    if (parse.at === "whole") {
      source.take(parse.length);
      return parse.head;
    }
    if (parse.at === "bad") {
      await play(
        [...respond(400, { headers: { connection: "close" }, body: `${parse.reason}\n` }), { end: "fin" }],
        wire,
      );
      return undefined;
    }
    if (await source.more()) continue;
    await wire.end("fin");
    return undefined;
  }
}

async function serveRequest(
  head: RequestHead,
  wire: SocketWire,
  on: Accepted & { readonly shared: Shared },
): Promise<void> {
  const { armed } = wire;
  const request = on.shared.recorder.begin(head, on.number);
  const body = new ReceivedBody(on.source, request.headers);
  wire.begin({ isHead: head.method === "HEAD", body, onRead: () => note(request, body) });
  try {
    const script =
      armed && "whenNextRequest" in armed
        ? armed.whenNextRequest
        : findScript(on.shared.routes, request.path);
    const entry = entryFor(script, request.attempt);
    if (readsFirst(entry)) await readWhole(request, body, wire);
    await play(await resolveReply(entry, request), wire);
  } catch (error) {
    on.shared.onError(error);
    await play(
      respond(500, {
        headers: { connection: "close" },
        body: `The origin's script failed: ${String(error)}\n`,
      }),
      wire,
    );
    wire.closing = true;
  }
  request.endedAt = now();
  if (!wire.over && (wire.closing || !body.complete || wantsClose(request))) await wire.end("fin");
}

async function readWhole(request: LiveRequest, body: ReceivedBody, wire: SocketWire): Promise<void> {
  if (!body.complete && /^100-continue$/i.test(request.headers["expect"] ?? "")) await play(goOn, wire);
  await body.read(Infinity);
  note(request, body);
}

const goOn: Reply = [{ send: "HTTP/1.1 100 Continue\r\n\r\n" }];
const goodBye: Reply = [{ end: "fin" }];

function note(request: LiveRequest, body: ReceivedBody): void {
  request.body = body.bytes();
  request.bodyComplete = body.complete;
}

function wantsClose({ headers, httpVersion }: LiveRequest): boolean {
  const connection = headers["connection"] ?? "";
  return httpVersion === "1.0" ? !/\bkeep-alive\b/i.test(connection) : /\bclose\b/i.test(connection);
}
