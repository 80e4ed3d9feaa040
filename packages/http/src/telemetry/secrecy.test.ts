import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { inspect } from "node:util";
import { RetryError } from "@holdfast/policy";
import { fakeClock } from "@holdfast/policy/testing";
import { summarizeError } from "../model/attempt-record.ts";
import { channelNames } from "./diagnostics.ts";
import { ConnectionError, ProtocolError } from "../errors/transport-errors.ts";
import { logTo } from "./log.ts";
import { Retry } from "../retry/retry.ts";
import { Session } from "../session/session.ts";
import type { SessionOptions } from "../call/options.ts";
import { refusedPort } from "../testing/origin/dead-ends.ts";
import { faultOrigin } from "../testing/origin/fault-origin.ts";
import { raw } from "../testing/replies/faults.ts";
import { scriptedAdapter, type ScriptedEntry } from "../testing/scripted/scripted-adapter.ts";

const secret = "hunter2000";
const plain = "https://a.test/";

interface Kind {
  readonly url?: string;
  readonly options?: SessionOptions;
  readonly response?: ScriptedEntry;
}

const inQuery = (name: string): Kind => ({ url: `${plain}?page=2&${name}=${secret}` });
const inHeader = (name: string, value = secret): Kind => ({ options: { headers: { [name]: value } } });
const inResponse = (headers: Readonly<Record<string, string>>, status = 503): Kind => ({
  response: { status, headers },
});
const failing = (message: string): Kind => ({
  response: { error: new ConnectionError(message, { errno: "EX", phase: "send", mayHaveArrived: false }) },
});

/** Places of a credential in a call, with the call. */
const kinds: Readonly<Record<string, Kind>> = {
  "user and password in the URL": { url: `https://me:${secret}@a.test/` },
  "a user without a password in the URL": { url: `https://${secret}@a.test/` },
  "the parameter token": inQuery("token"),
  "the parameter access_token": inQuery("access_token"),
  "the parameter api_key": inQuery("api_key"),
  "the parameter apikey": inQuery("apikey"),
  "the parameter key": inQuery("key"),
  "the parameter client_secret": inQuery("client_secret"),
  "the parameter password": inQuery("password"),
  "the parameter pass": inQuery("pass"),
  "the parameter auth": inQuery("auth"),
  "the parameter jwt": inQuery("jwt"),
  "the parameter sid": inQuery("sid"),
  "the parameter sessionid": inQuery("sessionid"),
  "the parameter JSESSIONID": inQuery("JSESSIONID"),
  "the parameter sig": inQuery("sig"),
  "the parameter X-Amz-Signature": inQuery("X-Amz-Signature"),
  "the parameter X-Amz-Security-Token": inQuery("X-Amz-Security-Token"),
  "the parameter X-Amz-Credential": inQuery("X-Amz-Credential"),
  "the parameter AWSAccessKeyId": inQuery("AWSAccessKeyId"),
  ...Object.fromEntries(
    "token[] user[password] filter%5Btoken%5D %74oken sharedaccesskey code code_verifier assertion Policy hmac otp ticket"
      .split(" ")
      .map((name) => [`the parameter ${name}`, inQuery(name)]),
  ),
  "a fragment": { url: `${plain}#access_token=${secret}` },
  "a URL inside a parameter": { url: `${plain}?to=${encodeURIComponent(`https://me:${secret}@b.test/`)}` },
  "a parameter inside a parameter": {
    url: `${plain}?to=${encodeURIComponent(`https://b.test/?token=${secret}`)}`,
  },
  "the session's params": { options: { params: { token: secret } } },
  "Authorization: Bearer": inHeader("authorization", `Bearer ${secret}`),
  "Authorization without a scheme": inHeader("Authorization"),
  Cookie: inHeader("cookie", `id=${secret}`),
  "Proxy-Authorization": inHeader("proxy-authorization", `Basic ${secret}`),
  "X-Api-Key": inHeader("x-api-key"),
  "X-Auth-Token": inHeader("x-auth-token"),
  ...Object.fromEntries(
    "token secret password key apikey x-apikey api_key x-auth x-sessionid x-session-id x-jwt x-amz-credential"
      .split(" ")
      .map((name) => [`the header ${name}`, inHeader(name)]),
  ),
  "the header authentication": inHeader("authentication"),
  "the header x-hub-signature-256": inResponse({ "x-hub-signature-256": secret }),
  "the header apikey of a response": inResponse({ apikey: secret }),
  "X-Amz-Security-Token": inHeader("x-amz-security-token"),
  "X-CSRF-Token": inHeader("x-csrf-token"),
  "Private-Token": inHeader("private-token"),
  "Ocp-Apim-Subscription-Key": inHeader("ocp-apim-subscription-key"),
  "a header in sensitiveHeaders": inHeader("x-tenant"),
  "a sensitive header that a hook adds": {
    options: {
      hooks: {
        request: [(request) => ({ ...request, headers: { ...request.headers, "X-Tenant": secret } })],
      },
    },
  },
  "Referer with a secret parameter": inHeader("referer", `https://b.test/?token=${secret}`),
  "Set-Cookie": inResponse({ "set-cookie": `id=${secret}` }),
  "Location with a user": inResponse({ location: `https://me:${secret}@a.test/` }, 302),
  "Location with a secret parameter": inResponse({ location: `/?token=${secret}` }, 302),
  "a status text": { response: { status: 503, statusText: `no token=${secret}` } },
  "an error that names a URL": failing(`socks5://me:${secret}@127.0.0.1:1 refused`),
  "an error that names a header": failing(`refused Authorization: Basic ${secret}`),
  "an error in JSON": failing(`{"password": "${secret}"}`),
  "a response that is not HTTP": {
    response: {
      error: new ProtocolError(`got "Set-Cookie: id=${secret}"`, { phase: "headers", mayHaveArrived: true }),
    },
  },
  "a URL with another scheme": { url: `ftp://me:${secret}@a.test/` },
  "an invalid URL": { url: `https://me:${secret}@a b.test/?token=${secret}` },
};

/** Collects the output of one failing call: errors, logs, channels, responses and attempts. */
async function seenOf(session: Session, url: string): Promise<string> {
  const seen: string[] = [];
  const listen = (message: unknown): void => void seen.push(JSON.stringify(message), inspect(message));
  const write = (line: string): void => void seen.push(line);
  const logger = { debug: write, warn: write, error: write };
  const hooks = logTo(logger, { headers: true, sensitiveHeaders: ["X-Tenant"] });
  for (const name of Object.values(channelNames)) subscribe(name, listen);
  try {
    (await session.get(url, { hooks })).raiseForStatus();
    assert.fail("the call must fail");
  } catch (error) {
    assert.ok(error instanceof Error && error.name !== "AssertionError");
    seen.push(JSON.stringify(error), String(error), String(error.stack), inspect(error, { depth: 9 }));
    if ("response" in error) seen.push(inspect(error.response), JSON.stringify(error.response));
    if ("attempts" in error) seen.push(JSON.stringify(error.attempts), inspect(error.attempts));
  } finally {
    for (const name of Object.values(channelNames)) unsubscribe(name, listen);
  }
  return seen.join("\n");
}

function sessionFor({ options, response = { status: 503 } }: Kind, retry: Retry): Session {
  const clock = fakeClock();
  const session = new Session({ clock, retry, trustEnvironment: false, maxRedirects: 1, ...options });
  const adapter = scriptedAdapter([response], { clock });
  return session.mount("https://", adapter).mount("http://", adapter);
}

const rules: readonly Retry[] = [
  new Retry({ total: 1, raiseOnStatus: false }),
  new Retry({ total: 1, raiseOnStatus: true }),
];

for (const [what, kind] of Object.entries(kinds)) {
  test(`no output shows ${what}`, async () => {
    for (const retry of rules) {
      const seen = await seenOf(sessionFor(kind, retry), kind.url ?? plain);

      assert.ok(!seen.includes(secret), seen);
      assert.match(seen, /a\.test|ftp:|must be a valid URL/);
    }
  });
}

test("output shows values that are not secret", async () => {
  const seen = await seenOf(
    sessionFor(
      { options: { headers: { "x-page": "seven", "idempotency-key": "k1" } } },
      new Retry({ total: 1 }),
    ),
    `${plain}?page=2&monkey=8&passage=9`,
  );

  assert.match(seen, /page=2&monkey=8&passage=9/);
  assert.match(seen, /> x-page: seven/);
  assert.match(seen, /> idempotency-key: k1/);
});

test("no output shows a proxy's password when the proxy refuses, requires another or is unreachable", async () => {
  await using proxy = await faultOrigin({ routes: { "*": [raw("HTTP/1.1 407 Who?\r\n\r\n")] } });
  const addresses = [new URL(proxy.url).host, `127.0.0.1:${await refusedPort()}`];

  for (const address of addresses) {
    for (const url of ["http://a.test/", plain]) {
      await using session = new Session({
        proxy: `http://me:${secret}@${address}`,
        retry: new Retry({ total: 0 }),
      });
      const seen = await seenOf(session, url);

      assert.ok(!seen.includes(secret) && !seen.includes(btoa(`me:${secret}`)), seen);
    }
  }
});

test("no output shows the cookies of a response that is not HTTP", async () => {
  await using origin = await faultOrigin({
    routes: { "/": [raw(`HTTP/1.1 200 OK\r\nSet-Cookie: id=${secret}\r\nbad header\u0000: 1\r\n\r\n`)] },
  });
  await using session = new Session({ retry: new Retry({ total: 0 }) });

  const seen = await seenOf(session, origin.url);

  assert.match(seen, /ProtocolError/);
  assert.ok(!seen.includes(secret), seen);
});

test("no output shows secrets in the cause of exhausted retries", () => {
  const error = new RetryError("stop", [], { cause: `token=${secret}` });

  assert.ok(!error.message.includes(secret));
});

test("the record of an attempt shows no secrets of another library's error", () => {
  assert.equal(summarizeError(new Error(`token=${secret}`)).message, "token=***");
});
