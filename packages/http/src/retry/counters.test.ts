import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConnectionError,
  ConnectTimeoutError,
  DecodeError,
  IncompleteBodyError,
  type Phase,
  ProtocolError,
  ProxyError,
  ReadTimeoutError,
  TlsError,
} from "../errors/transport-errors.ts";
import { counterFor, type ErrorCounter } from "./counters.ts";

function connection(phase: Phase, mayHaveArrived: boolean): ConnectionError {
  return new ConnectionError(phase, { phase, mayHaveArrived, errno: "ECONNRESET" });
}

const silent = new ReadTimeoutError("a.test", 1, "headers");
const connectTimeout = new ConnectTimeoutError("a.test", 1);

const table: readonly (readonly [what: string, error: unknown, counter: ErrorCounter])[] = [
  ["a connect timeout", connectTimeout, "connect"],
  ["a name that does not resolve", connection("dns", false), "connect"],
  ["a refused connection", connection("connect", false), "connect"],
  ["a kept-alive connection found closed", connection("send", false), "connect"],
  ["a reset while sending", connection("send", true), "read"],
  ["a reset before the response", connection("headers", true), "read"],
  ["a read timeout", silent, "read"],
  ["a response that is not HTTP", new ProtocolError("?", { phase: "headers", mayHaveArrived: true }), "read"],
  ["a proxy that cannot be reached", new ProxyError("?", { cause: connectTimeout }), "connect"],
  ["a read timeout of a proxy", new ProxyError("?", { cause: silent }), "other"],
  ["a proxy that refuses", new ProxyError("?", { status: 403 }), "other"],
  ["a broken body", new IncompleteBodyError(1, 2), "read"],
  ["a damaged body", new DecodeError("gzip"), "other"],
  ["a failed handshake", new TlsError("?", { certificate: false, errno: "ECONNRESET" }), "other"],
  ["any other error", new Error("?"), "other"],
  ["a value that is not an Error", "?", "other"],
];

for (const [what, error, counter] of table) {
  test(`${what} counts as ${counter}`, () => {
    assert.equal(counterFor(error), counter);
  });
}
