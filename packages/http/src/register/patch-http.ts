import http, { type Agent, type ClientRequest, type RequestOptions } from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import { checkServerIdentity } from "node:tls";
import type { Engine } from "../dispatch/engine.ts";
import { isObject } from "../support/validate.ts";
import { HttpBridge } from "./bridge.ts";
import type { Summary } from "./summary.ts";

type Arguments = readonly unknown[];
type Send = (...args: Arguments) => ClientRequest;

/** Replaces `request` and `get` of node:http and node:https, for imports and `require` of every form. */
export function patchHttp(engine: Engine, summary: Summary): void {
  const bridge = new HttpBridge(engine);
  for (const [module, protocol] of [[http, "http:"] as const, [https, "https:"] as const]) {
    const agent = bridge.agentFor(protocol);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- The overloads of `request` take these arguments.
    const original = module.request as Send;
    const request: Send = (...args) => {
      const options = optionsOf(args);
      if (opensForMocks(options)) return original(...args);
      const reason = findReason(options, module);
      if (reason === undefined) return original(...withAgent(args, agent));
      summary.countUnreached(reason);
      return original(...args);
    };
    const get: Send = (...args) => {
      const sent = request(...args);
      sent.end();
      return sent;
    };
    Object.assign(module, { request, get });
  }
  syncBuiltinESMExports();
}

/** Returns the options of a call of `request`, which take a URL before them or not. */
function optionsOf([first, second]: Arguments): RequestOptions {
  const isUrl = typeof first === "string" || first instanceof URL;
  const options = isUrl ? second : first;
  return isObject(options) ? options : {};
}

/** Whether a request only has a session open a connection in its context (`openForMocks`). */
function opensForMocks({ agent }: RequestOptions): boolean {
  return typeof agent === "object" && agent !== null && Object.hasOwn(agent, "addRequest");
}

function withAgent(args: Arguments, agent: Agent): Arguments {
  const [first, second, ...others] = args;
  if (typeof first !== "string" && !(first instanceof URL)) return [{ ...optionsOf(args), agent }, second];
  // The options may be left out before the callback.
  const rest = isObject(second) && typeof second !== "function" ? others : [second, ...others];
  return [first, { ...optionsOf(args), agent }, ...rest];
}

/** Options of a connection that the session does not open in this way. */
const connectionOptions: readonly string[] = [
  "socketPath",
  "createConnection",
  "lookup",
  "localAddress",
  "localPort",
];
const tlsOptions: readonly string[] = [
  "ca",
  "cert",
  "key",
  "pfx",
  "rejectUnauthorized",
  "checkServerIdentity",
  "secureContext",
  "servername",
  "ciphers",
  "minVersion",
  "maxVersion",
];

const httpsOptions = [...connectionOptions, ...tlsOptions];

/** Returns why the session cannot send a request; undefined if it can. */
function findReason(options: RequestOptions, module: typeof http | typeof https): string | undefined {
  const { agent } = options;
  const names = module === https ? httpsOptions : connectionOptions;
  if (isOther(agent, module.globalAgent) && !isPlain(agent, names))
    return `node:http with another agent (${agent.constructor.name})`;
  const option = findOption(options, names);
  if (option !== undefined) return `node:http with the option ${option}`;
  return findForm(options);
}

/** Returns why a request is not one of plain HTTP to the host of its connection. */
function findForm({ method = "GET", headers, path }: RequestOptions): string | undefined {
  if (method.toUpperCase() === "CONNECT" || hasUpgrade(headers)) return "an upgrade of the protocol";
  return /^https?:\/\//i.test(path ?? "") ? "node:http through a proxy of the program" : undefined;
}

function isOther(agent: RequestOptions["agent"], globalAgent: Agent): agent is Agent {
  return typeof agent === "object" && agent !== null && agent !== globalAgent;
}

/** Whether an agent only keeps connections, as the session does too. */
function isPlain(agent: Agent, names: readonly string[]): boolean {
  const isBuiltIn = agent.constructor === http.Agent || agent.constructor === https.Agent;
  const options: unknown = "options" in agent ? agent.options : undefined;
  return isBuiltIn && findOption(isObject(options) ? options : {}, names) === undefined;
}

function findOption(options: object, names: readonly string[]): string | undefined {
  return names.find((name) => {
    const value: unknown = Reflect.get(options, name);
    // got passes the function that Node would take by itself.
    return (
      value !== undefined &&
      value !== checkServerIdentity &&
      !(name === "rejectUnauthorized" && value === true)
    );
  });
}

function hasUpgrade(headers: RequestOptions["headers"]): boolean {
  const names = Array.isArray(headers) ? headers.flat() : Object.keys(headers ?? {});
  return names.some((name) => typeof name === "string" && name.toLowerCase() === "upgrade");
}
