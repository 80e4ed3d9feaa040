import { discardBody } from "../model/streamed-response.ts";
import { RejectedError, type Policy, type Scope } from "@holdfast/policy";
import type { SendOptions } from "../adapter/adapter.ts";
import type { Auth } from "../auth/auth.ts";
import { isFieldValue, describeKind } from "../support/validate.ts";
import type { Hooks, ResponseHook } from "../telemetry/hooks.ts";
import { isPromiseLike, waitWithinBounds, type CallerFunction, type CallBounds } from "./call-bounds.ts";
import type { AttemptContext } from "./context.ts";
import type { HttpRequest } from "../model/request.ts";
import { type HttpResponse, hasHeader, loadContent, unreadBodyOf, StatusError } from "../model/response.ts";
import { maySendAgain } from "../retry/safety.ts";
import { isTransient } from "../model/verdict.ts";

/**
 * Sends a request once, as its context wants it sent. A 401 is shown to `auth`, and if that has a better answer the
 * request goes again at once: being asked who one is, is no failure.
 */
export function sendAttempt(
  request: HttpRequest,
  context: AttemptContext,
  options: SendOptions,
): Promise<HttpResponse> {
  if (needsNoPreparation(request, context)) return context.adapter.send(request, options);
  return sendPrepared(request, context, options);
}

/** A policy wanted to send a second time what could be executed a second time. */
class DoubleSendError extends RejectedError {
  readonly code = "ERR_DOUBLE_SEND";
}

/**
 * Sends a request once under a policy. An answer that a later attempt may cure is a failure to that policy, so that a
 * breaker or a hedge need not know HTTP. A policy that sends more than once, as a hedge does, gets to do so only with
 * what is idempotent or carries a key.
 */
export async function sendThroughPolicy(
  guard: Policy,
  { request, scope }: { readonly request: HttpRequest; readonly scope: Scope },
  send: (scope: Scope) => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const arrived = { mayHaveArrived: true, mayHaveActed: true, mayBodyBeUsed: true };
  const once = !maySendAgain(request, arrived).again;
  let sent = false;
  try {
    return await guard.execute(async (inner) => {
      if (sent && once) throw new DoubleSendError(`A ${request.method} is not sent a second time`);
      sent = true;
      const response = await send(inner);
      if (isTransient(response.verdict)) throw new StatusError(response);
      return response;
    }, scope);
  } catch (error) {
    if (error instanceof StatusError) return error.response;
    throw error;
  }
}

/** Shows a response to all who want to see it; undefined when all have seen it, which keeps the common case cheap. */
export function applyResponse(
  response: HttpResponse,
  request: HttpRequest,
  context: Pick<AttemptContext, "hooks" | "cookies" | "bounds">,
): Promise<void> | undefined {
  if (unreadBodyOf(response) !== undefined) return applyUnreadResponse(response, request, context);
  const { hooks, cookies, bounds } = context;
  const show = (): Promise<void> | undefined => {
    const told = runResponseHooks(hooks.response, response, request);
    return told && waitWithinBounds(told, bounds, responseHookOf(request));
  };
  return cookies !== undefined && hasHeader(response, "set-cookie")
    ? cookies.store(response).then(show)
    : show();
}

/**
 * Shows a response whose body was not waited for: who wants to read that body cannot, which is no reason to end the call.
 */
async function applyUnreadResponse(
  response: HttpResponse,
  request: HttpRequest,
  { hooks, cookies, bounds }: Pick<AttemptContext, "hooks" | "cookies" | "bounds">,
): Promise<void> {
  const show = async (hook: ResponseHook): Promise<void> => {
    const told = hook(response, request);
    if (isPromiseLike(told)) await waitWithinBounds(told, bounds, responseHookOf(request));
  };
  try {
    await cookies?.store(response);
    for (const hook of hooks.response) await ignoringMissingBody(response, () => show(hook));
  } catch (error) {
    await discardBody(response);
    throw error;
  }
}

function responseHookOf({ url }: HttpRequest): CallerFunction {
  return { name: "a response hook", attempt: { target: url.host, mayHaveArrived: true } };
}

async function ignoringMissingBody(response: HttpResponse, ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    const unread = unreadBodyOf(response);
    if (unread === undefined || error !== unread.missingError) throw error;
  }
}

// Hot path: a hook that gives no promise is not awaited; to await a single one took 0.3 µs of a request's 16.
function runResponseHooks(
  hooks: readonly ResponseHook[],
  response: HttpResponse,
  request: HttpRequest,
): Promise<void> | undefined {
  for (let index = 0; index < hooks.length; index += 1) {
    const told = hooks[index]?.(response, request);
    if (typeof told === "object")
      return Promise.resolve(told).then(() => runResponseHooks(hooks.slice(index + 1), response, request));
  }
  return undefined;
}

function needsNoPreparation(request: HttpRequest, { hooks, cookies, auth }: AttemptContext): boolean {
  return hooks.request.length === 0 && auth === undefined && cookies?.header(request) === undefined;
}

async function sendPrepared(
  request: HttpRequest,
  context: AttemptContext,
  options: SendOptions,
): Promise<HttpResponse> {
  const { adapter, auth } = context;
  const bounds = context.bounds && { ...context.bounds, signal: options.signal };
  const shown = await runRequestHooks(request, context.hooks, bounds);
  // What the caller wrote by hand is the caller's word.
  if (auth === undefined || "authorization" in shown.headers)
    return adapter.send(withCookies(shown, context), options);
  const ask = (asked: HttpRequest, refused?: HttpResponse): ReturnType<Auth> => {
    const given = auth(asked, refused);
    const attempt = { target: request.url.host, mayHaveArrived: refused !== undefined };
    return isPromiseLike(given) ? waitWithinBounds(given, bounds, { name: "auth", attempt }) : given;
  };
  const sent = withAuthorization(withCookies(shown, context), await ask(shown));
  const response = await adapter.send(sent, options);
  if (response.status !== 401) return response;
  if (sent.body.kind === "one-shot") return withReadBody(response);
  const better = await secondCredentials(response, () => ask(sent, response));
  if (better === undefined) return withReadBody(response);
  await applyResponse(response, sent, context);
  await discardBody(response);
  await options.observer?.discard?.({ status: 401, reason: "credentials" });
  // Dressed anew: the 401 may have set a cookie that belongs to its challenge.
  return withReadBody(await adapter.send(withAuthorization(withCookies(shown, context), better), options));
}

/** What `auth` has to say to a 401; where it wants to see a body that was not waited for, it gets to. */
async function secondCredentials(
  refused: HttpResponse,
  ask: () => ReturnType<Auth>,
): Promise<string | undefined> {
  try {
    return await ask();
  } catch (error) {
    const unread = unreadBodyOf(refused);
    if (unread === undefined || error !== unread.missingError) {
      await discardBody(refused);
      throw error;
    }
  }
  await loadContent(refused);
  return ask();
}

/** A 401 that is the last word is handed out with its body. */
async function withReadBody(response: HttpResponse): Promise<HttpResponse> {
  if (response.status === 401) await loadContent(response);
  return response;
}

async function runRequestHooks(
  request: HttpRequest,
  { request: hooks }: Hooks,
  bounds: CallBounds | undefined,
): Promise<HttpRequest> {
  const attempt = { target: request.url.host, mayHaveArrived: false };
  let shown = request;
  for (const hook of hooks) {
    const given = hook(shown);
    shown =
      (isPromiseLike(given)
        ? await waitWithinBounds(given, bounds, { name: "a request hook", attempt })
        : given) ?? shown;
  }
  return shown;
}

function withCookies(request: HttpRequest, { cookies }: AttemptContext): HttpRequest {
  const cookie = cookies?.header(request);
  return cookie === undefined ? request : withHeader(request, "cookie", cookie);
}

/** @throws TypeError for what is no value of a header, which it does not quote. */
function withAuthorization(request: HttpRequest, value: unknown): HttpRequest {
  if (value === undefined) return request;
  if (typeof value === "string" && isFieldValue(value)) return withHeader(request, "authorization", value);
  const got = typeof value === "string" ? "a text that no header can carry" : describeKind(value);
  throw new TypeError(`auth must give the value of an Authorization header, or undefined, but gave ${got}`);
}

function withHeader(request: HttpRequest, name: string, value: string): HttpRequest {
  return { ...request, headers: { ...request.headers, [name]: value } };
}
