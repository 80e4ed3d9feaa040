import { request as requestHttp, type ClientRequest, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { Duplex } from "node:stream";
import type { DispatchOptions } from "./contract.ts";
import type { ReceivedHead, Receiver } from "./receiver.ts";
import { headerPairs } from "./headers.ts";
import { toTarget } from "./request.ts";

/**
 * Changes the protocol of a new connection, as a WebSocket does. Sent once and without the session: nothing of it can be repeated.
 */
export function dispatchUpgrade(
  options: DispatchOptions,
  { receiver, signal }: { readonly receiver: Receiver; readonly signal: AbortSignal },
): void {
  try {
    const sent = open(options, signal);
    sent.once("upgrade", (reply, socket, first) => pass(receiver, { reply, socket, first }));
    sent.once("response", (reply) => {
      reply.destroy();
      receiver.fail(
        new Error(`The server did not change the protocol, and responded with ${reply.statusCode}`),
      );
    });
    sent.once("error", (error) => receiver.fail(error));
    sent.end();
  } catch (error) {
    receiver.fail(error);
  }
}

function open({ upgrade, method, headers, ...target }: DispatchOptions, signal: AbortSignal): ClientRequest {
  const url = toTarget(target);
  const protocol = typeof upgrade === "string" ? upgrade : "websocket";
  const given = [...headerPairs(headers ?? null)].filter(([, value]) => value !== undefined);
  const sent = given.map(([name, value]): [string, string] => [name, String(value)]);
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  const all = { ...Object.fromEntries(sent), connection: "Upgrade", upgrade: protocol };
  return send(url, { method, headers: all, signal, agent: false });
}

interface Upgraded {
  readonly reply: IncomingMessage;
  readonly socket: Duplex;
  readonly first: Buffer;
}

function pass(receiver: Receiver, { reply, socket, first }: Upgraded): void {
  const { statusCode: status = 101, statusMessage: statusText = "", headers } = reply;
  // Bytes of the new protocol that came with the head.
  if (first.length > 0) socket.unshift(first);
  const head: ReceivedHead = { status, statusText, headers };
  if (!receiver.upgrade(head, socket)) socket.destroy();
}
