import type { ServerHttp2Stream } from "node:http2";
import { performServerHandshake } from "node:http2";
import type { Shared } from "./http1-connection.ts";
import { bridge } from "./byte-bridge.ts";
import type { Http2Connection } from "./http2-wire.ts";
import { Http2Wire } from "./http2-wire.ts";
import { play } from "./play.ts";
import type { LiveRequest } from "../origin/recorder.ts";
import { now } from "../origin/recorder.ts";
import type { RequestHead } from "./request-head.ts";
import { respond } from "../replies/respond.ts";
import { resolveReply, entryFor, findScript, readsFirst } from "../origin/routes.ts";

interface Accepted extends Http2Connection {
  readonly number: number;
  readonly shared: Shared;
}

// A server with faults may send a field twice that has one value. The heads of both sides may be as large as over HTTP/1.1. Node's types
// do not have the first option of a server.
const sessionOptions = {
  strictSingleValueFields: false,
  maxSendHeaderBlockLength: 1024 * 1024,
};

/** Serves the streams of one HTTP/2 connection, each on its own, until it ends. */
export async function serveHttp2(accepted: Accepted): Promise<void> {
  const session = performServerHandshake(bridge(accepted.connection), sessionOptions);
  session.on("error", ignore).on("stream", (stream, ...[, , rawHeaders]) => {
    stream.on("error", ignore);
    void serveStream(stream, requestHead(rawHeaders), accepted);
  });
  if (!session.destroyed) await new Promise((resolve) => session.once("close", resolve));
}

async function serveStream(stream: ServerHttp2Stream, head: RequestHead, accepted: Accepted): Promise<void> {
  const { number, shared } = accepted;
  const request = shared.recorder.begin(head, number);
  const isHead = head.method === "HEAD";
  const wire = new Http2Wire(stream, accepted, { isHead, read: (amount) => read(stream, request, amount) });
  try {
    const entry = entryFor(findScript(shared.routes, request.path), request.attempt);
    if (readsFirst(entry)) await wire.read(Infinity);
    await play(await resolveReply(entry, request), wire);
  } catch (error) {
    shared.onError(error);
    if (!wire.over && !stream.headersSent)
      await play(respond(500, { body: `The origin's script failed: ${String(error)}\n` }), wire);
  }
  request.endedAt = now();
  if (!wire.over) stream.end();
}

async function read(stream: ServerHttp2Stream, request: LiveRequest, amount: number): Promise<void> {
  const parts = [request.body];
  for (let left = amount; left > 0 && !request.bodyComplete;) {
    const part: unknown = stream.read(Math.min(left, Math.max(1, stream.readableLength)));
    if (Buffer.isBuffer(part)) {
      parts.push(part);
      left -= part.length;
    } else if (stream.readableEnded) request.bodyComplete = true;
    else if (stream.destroyed) break;
    else await readable(stream);
  }
  request.body = Buffer.concat(parts);
}

function readable(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    const events = ["readable", "end", "close"] as const;
    for (const event of events) stream.on(event, done);
  });
}

/** Pseudo-fields become the request line that they stand for (RFC 9113 §8.3.1). */
function requestHead(rawHeaders: readonly string[]): RequestHead {
  const lines: [string, string][] = [];
  const pseudo = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const value = rawHeaders[at + 1] ?? "";
    if (name.startsWith(":")) pseudo.set(name, value);
    else lines.push([name, value]);
  }
  const authority = pseudo.get(":authority");
  if (authority !== undefined) lines.unshift(["host", authority]);
  const target = pseudo.get(":path") ?? authority ?? "/";
  return { method: pseudo.get(":method") ?? "GET", target, httpVersion: "2", headerLines: lines };
}

function ignore(): void {}
