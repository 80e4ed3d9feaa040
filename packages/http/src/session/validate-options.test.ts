import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpAdapter, type Adapter } from "../adapter/adapter.ts";
import type { HttpAdapterOptions } from "../adapter/options.ts";
import { Session } from "./session.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";
import { scripted } from "../testing/scripted/scripted-session.ts";

type Row = readonly [given: unknown, message: string];

const durations = 'takes milliseconds, more than 0, or a string such as "30s", got';
const limits =
  '?.timeout takes a limit of the whole call such as "30s", or limits such as { connect: "5s", read: "30s" }, got';
const retries =
  "?.retry takes a number of retries, 0 or more, false for none, options such as { total: 5 }, or a Retry, got";
const headers =
  "has an invalid value: it contains a line break, a control character or a character beyond Latin-1";
const names = 'has an invalid header name: "';

/** Invalid options of both a session and a request. `?` stands for its name in the message. */
const both: readonly Row[] = [
  [5, "? takes { headers, params, auth, retry, "],
  ["x", "? takes { headers, params, auth, retry, "],
  [null, "? takes { headers, params, auth, retry, "],
  [{ timeot: 1 }, '? has no option "timeot": did you mean timeout?'],
  [{ max_retries: 3 }, '? has no option "max_retries": did you mean retry: 5?'],
  [{ proxies: {} }, '? has no option "proxies": did you mean proxy?'],
  [{ colour: 1 }, '? has no option "colour": it has headers, params, '],
  [{ timeout: 0 }, `${limits} 0`],
  [{ timeout: -1 }, `${limits} -1`],
  [{ timeout: "10" }, `${limits} "10"`],
  [{ timeout: null }, `${limits} null`],
  [{ timeout: [5, 30] }, `${limits} a list`],
  [{ timeout: { conect: "5s" } }, '?.timeout has no option "conect": did you mean connect?'],
  [{ timeout: { connect: -1 } }, `?.timeout.connect ${durations} -1`],
  [{ timeout: { read: NaN } }, `?.timeout.read ${durations} NaN`],
  [{ timeout: { read: null } }, `?.timeout.read ${durations} null`],
  [{ timeout: { total: "5 lightyears" } }, `?.timeout.total ${durations} "5 lightyears"`],
  [{ timeout: { proxy: { tls: -1 } } }, `?.timeout.proxy.tls ${durations} -1`],
  [{ retry: -1 }, `${retries} -1`],
  [{ retry: 1.5 }, `${retries} 1.5`],
  [{ retry: true }, `${retries} true`],
  [{ retry: "5" }, `${retries} "5"`],
  [{ retry: [5] }, `${retries} a list`],
  [{ retry: null }, `${retries} null`],
  [{ retry: { totl: 5 } }, '?.retry has no option "totl": did you mean total?'],
  [{ retry: { backoffMax: "x" } }, "?.retry.backoffMax takes milliseconds, 0 or more, "],
  [{ headers: "x" }, "?.headers takes an object, Headers or pairs, got a string"],
  [{ headers: [["a"]] }, "?.headers takes pairs of a name and a string, got a list"],
  [{ headers: { "bad name": "x" } }, `?.headers ${names}bad name"`],
  [{ headers: { "": "x" } }, `?.headers ${names}"`],
  [{ headers: { x: "a\nb" } }, `?.headers.x ${headers}`],
  [{ headers: { x: ["a", "\u{1F600}"] } }, `?.headers.x ${headers}`],
  [{ headers: [["X", "\u0000"]] }, `?.headers.X ${headers}`],
  [{ headers: { x: true } }, "?.headers.x takes a string, or a list of strings, got a boolean"],
  [{ headers: { x: null } }, "?.headers.x takes a string, or a list of strings, got null"],
  [{ headers: { x: [5] } }, "?.headers.x takes a string, or a list of strings, got a list"],
  [{ params: 5 }, "?.params takes an object of parameters, or URLSearchParams, got 5"],
  [{ params: "a=1" }, '?.params takes an object of parameters, or URLSearchParams, got "a=1"'],
  [{ params: [["a", "1"]] }, "?.params takes an object of parameters, or URLSearchParams, got a list"],
  [
    { params: { a: {} } },
    "?.params.a takes a string, a number, true or false, or a list of them, got an object",
  ],
  [{ params: { a: NaN } }, "?.params.a takes a string, a number, true or false, or a list of them, got NaN"],
  [
    { params: { a: [1, {}] } },
    "?.params.a takes a string, a number, true or false, or a list of them, got a list",
  ],
  [{ auth: 5 }, "?.auth takes a function, such as basicAuth(user, password), got a number"],
  [{ auth: "user:pass" }, "?.auth takes a function, such as basicAuth(user, password), got a string"],
  [{ auth: ["user", "pass"] }, "?.auth takes a function, such as basicAuth(user, password), got a list"],
  [
    { hooks: 5 },
    "?.hooks takes { request, response, attempt, retry, giveUp, cookieRefused, error }, got a number",
  ],
  [{ hooks: { respons: [] } }, '?.hooks has no option "respons": did you mean response?'],
  [{ hooks: { response: () => undefined } }, "?.hooks.response takes a list of functions, got a function"],
  [{ hooks: { response: [5] } }, "?.hooks.response[0] takes a function, got 5"],
  [{ maxRedirects: -1 }, "?.maxRedirects takes a whole number of redirects, 0 or more, or null"],
  [{ maxRedirects: NaN }, "?.maxRedirects takes a whole number of redirects, 0 or more, or null"],
  [{ maxRedirects: "5" }, "?.maxRedirects takes a whole number of redirects, 0 or more, or null"],
  [{ maxRedirects: 1.5 }, "?.maxRedirects takes a whole number of redirects, 0 or more, or null"],
  [{ maxBytes: -1 }, "?.maxBytes takes a whole number of bytes, 0 or more, got -1"],
  [{ maxBytes: NaN }, "?.maxBytes takes a whole number of bytes, 0 or more, got NaN"],
  [{ maxBytes: "1K" }, '?.maxBytes takes a whole number of bytes, 0 or more, got "1K"'],
  [{ idempotencyHeader: 5 }, "?.idempotencyHeader takes { name, quoted }, got a number"],
  [{ idempotencyHeader: { nam: "x" } }, '?.idempotencyHeader has no option "nam": did you mean name?'],
  [{ idempotencyHeader: { name: "a b" } }, '?.idempotencyHeader.name takes the name of a header, got "a b"'],
  [
    { proxy: 5 },
    "?.proxy takes the URL of a proxy, a map of URLs by scheme and host, or a ProxyPool, got a number",
  ],
  [
    { proxy: ["http://p"] },
    "?.proxy takes one proxy or a ProxyPool; for several proxies pass proxy: new ProxyPool([...]), from holdfast or @holdfast/proxies",
  ],
  [{ proxy: "ftp://u:secret@x:1" }, "?.proxy cannot be used: The proxy URL must start with one of"],
  [{ proxy: "http://" }, "?.proxy cannot be used: The proxy URL is not a valid URL"],
  [{ proxy: { htp: "http://x:1" } }, '?.proxy has no proxies for "htp": did you mean http?'],
  [{ proxy: { "api.test": "http://x:1" } }, '?.proxy has no proxies for "api.test": it has http, https, all'],
  [{ proxy: { http: 5 } }, "?.proxy.http takes a string, got 5"],
  [
    { proxy: { "https://api.test": "http://" } },
    "?.proxy.https://api.test cannot be used: The proxy URL is not a valid URL",
  ],
];

const ofSession: readonly Row[] = [
  ...both,
  [{ baseUrl: "nope" }, '?.baseUrl takes an http or https URL, the base of relative URLs, got "nope"'],
  [
    { baseUrl: "localhost:3000/api" },
    '?.baseUrl takes an http or https URL, the base of relative URLs, got "localhost:3000/api": did you mean "https://localhost:3000/api"?',
  ],
  [{ baseUrl: 5 }, "?.baseUrl takes an http or https URL, the base of relative URLs, got 5"],
  [
    { baseUrl: "ftp://x/" },
    '?.baseUrl takes an http or https URL, the base of relative URLs, got "ftp://x/"',
  ],
  [
    { cookies: true },
    "?.cookies takes a CookieJar of tough-cookie, such as await parseCookiesTxt(text), or false to store no cookies, got true",
  ],
  [
    { cookies: {} },
    "?.cookies takes a CookieJar of tough-cookie, such as await parseCookiesTxt(text), or false to store no cookies, got an object",
  ],
  [{ budget: 5 }, "?.budget takes a budget, such as retryBudget(), got 5"],
  [{ guard: () => undefined }, '? has no option "guard": did you mean policy?'],
  [{ addresses: "private" }, '?.addresses takes "any" or "public", got "private"'],
  [
    { addresses: "public", allowAddresses: ["10.0.0.0/8", "10.0.0.0/33"] },
    '?.allowAddresses[1] takes an IP address or a range, such as "10.1.0.0/16", got "10.0.0.0/33"',
  ],
  [
    { addresses: "public", allowAddresses: "10.0.0.0/8" },
    '?.allowAddresses takes a list of addresses and ranges such as ["10.1.0.0/16"], got "10.0.0.0/8"',
  ],
  [
    { allowAddresses: ["10.0.0.0/8"] },
    '?.allowAddresses needs addresses: "public", without which every address is allowed',
  ],
  [
    { proxyResolves: true, addresses: "any" },
    '?.proxyResolves needs addresses: "public", without which every address is allowed',
  ],
  [
    { socketPath: "" },
    '?.socketPath takes the path of a Unix socket, such as "/var/run/docker.sock", got ""',
  ],
  [{ enableUnixSockets: "yes" }, '?.enableUnixSockets takes true or false, got "yes"'],
  [{ policy: 5 }, "?.policy takes a function that returns a policy, such as () => breaker(), got 5"],
  [{ pacing: "no" }, '?.pacing takes true, false or "even", got "no"'],
  [
    { sensitiveHeaders: "X-A" },
    '?.sensitiveHeaders takes a list of headers such as ["X-Api-Key"], got "X-A"',
  ],
  [{ sensitiveHeaders: [5] }, "?.sensitiveHeaders[0] takes the name of a header, got 5"],
  [{ trustEnvironment: "no" }, '?.trustEnvironment takes true or false, got "no"'],
  [{ random: 5 }, "?.random takes a function, got 5"],
  [{ retries: 5 }, '? has no option "retries": did you mean retry: 5?'],
  [{ connections: 5 }, '? has no option "connections": did you mean maxConnections?'],
  [{ verify: false }, '? has no option "verify": did you mean tls: { rejectUnauthorized }?'],
];

const ofTransport: readonly Row[] = [
  [{ maxConnections: 0 }, "?.maxConnections takes a whole number, 1 or more, got 0"],
  [{ maxConnections: -1 }, "?.maxConnections takes a whole number, 1 or more, got -1"],
  [{ maxConnections: NaN }, "?.maxConnections takes a whole number, 1 or more, got NaN"],
  [{ maxConnections: "x" }, '?.maxConnections takes a whole number, 1 or more, got "x"'],
  [{ http2: "yes" }, '?.http2 takes true or false, got "yes"'],
  [{ clock: 5 }, "?.clock takes a clock, got 5"],
  [{ tls: 5 }, "?.tls takes { ca, cert, key, "],
  [
    { tls: { rejectUnauthorised: false } },
    '?.tls has no option "rejectUnauthorised": did you mean rejectUnauthorized?',
  ],
  [{ tls: { rejectUnauthorized: 0 } }, "?.tls.rejectUnauthorized takes true or false, got 0"],
  [{ tls: { ca: 5 } }, "?.tls.ca takes certificates in PEM, such as readFileSync(path), got a number"],
  [
    { tls: { ca: "garbage" } },
    "?.tls.ca takes certificates in PEM, such as readFileSync(path), got a string",
  ],
  [
    { tls: { ca: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----" } },
    "?.tls.ca takes certificates in PEM",
  ],
  [{ tls: { cert: "x", key: "y" } }, "?.tls { cert, key } cannot be used (ERR_OSSL_PEM_NO_START_LINE)"],
  [{ tls: { key: 5 } }, "?.tls.key takes a string or bytes, or a list of them, got a number"],
  [
    { tls: { minVersion: "TLSv9" } },
    "?.tls { minVersion } cannot be used (ERR_TLS_INVALID_PROTOCOL_VERSION)",
  ],
  [{ tls: { ciphers: "none-such" } }, "?.tls { ciphers } cannot be used (ERR_SSL_NO_CIPHER_MATCH)"],
];

const ofAdapter: readonly Row[] = [
  ...ofTransport,
  [5, "? takes { maxConnections, maxIdleConnections, tls, "],
  [{ retry: null }, `${retries} null`],
  [{ timeout: 0 }, `${limits} 0`],
  [{ pacing: 1 }, "?.pacing takes true or false, got 1"],
  [{ retries: 5 }, '? has no option "retries": did you mean retry?'],
  [{ maxRetries: 3 }, '? has no option "maxRetries": did you mean retry: 5?'],
];

const ofRequest: readonly Row[] = [
  ...both,
  [{ data: "x" }, '? has no option "data": did you mean json, or body?'],
  [{ cookies: false }, '? has no option "cookies": did you mean cookies of the session?'],
  [{ signal: 5 }, "?.signal takes an AbortSignal, got 5"],
  [{ signal: 5 }, "?.signal takes an AbortSignal, got 5"],
  [{ drain: {} }, "?.drain takes an AbortSignal, got an object"],
  [{ stream: "yes" }, '?.stream takes true or false, got "yes"'],
  [{ proxy: { country: 5 } }, "?.proxy.country takes a string, got 5"],
  [{ proxy: { country: "de", identiy: "x" } }, '?.proxy has no option "identiy": did you mean identity?'],
  [{ proxy: { session: "x" } }, '?.proxy has no option "session": did you mean identity?'],
  [
    { body: 5 },
    "body must be a string, bytes, a form, a blob, a stream or a function that creates a stream, got number",
  ],
  [{ patience: AbortSignal.abort() }, '? has no option "patience": did you mean drain?'],
  [{ body: "x", json: 1 }, "A request has a body or json, not both"],
];

function begins(name: string, message: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.equal(error.message.slice(0, message.replace("?", name).length), message.replace("?", name));
    return true;
  };
}

for (const [given, message] of [...ofSession, ...ofTransport]) {
  test(`Session rejects ${JSON.stringify(given)}`, () => {
    assert.throws(() => new Session(given as SessionOptions), begins("Session", message));
  });
}

for (const [given, message] of ofAdapter) {
  test(`HttpAdapter rejects ${JSON.stringify(given)}`, () => {
    assert.throws(() => new HttpAdapter(given as HttpAdapterOptions), begins("HttpAdapter", message));
  });
}

for (const [given, message] of ofRequest) {
  test(`a request rejects ${JSON.stringify(given)}, and is not sent`, async () => {
    const { session, adapter } = scripted([{}]);
    const streamed = typeof given === "object" && given !== null && !("stream" in given);

    await assert.rejects(
      session.post("https://a.test/", given as RequestOptions),
      begins("request", message),
    );
    if (streamed)
      await assert.rejects(
        session.post("https://a.test/", { ...given, stream: true }),
        begins("request", message),
      );

    assert.equal(adapter.requests.length, 0);
  });
}

for (const method of ["", "G ET", "GET\r\nX: y", "träce", "CONNECT", "connect", null, 5, undefined]) {
  test(`a request rejects the method ${JSON.stringify(method)}`, async () => {
    const { session } = scripted([{}]);

    await assert.rejects(
      session.request(method as string, "https://a.test/"),
      begins("", 'The method of a request must be a name such as "GET", and not CONNECT, got '),
    );
  });
}

for (const url of [null, undefined, 5, {}]) {
  test(`a request rejects the URL ${JSON.stringify(url)}, also with a baseUrl`, async () => {
    const { session, adapter } = scripted([{}], { baseUrl: "https://a.test/" });

    await assert.rejects(session.get(url as string), { code: "ERR_INVALID_URL" });

    assert.equal(adapter.requests.length, 0);
  });
}

for (const prefix of ["", "api.test", "https:", "/x", 5, null, "ftp://", "http://bad host/"]) {
  test(`mount rejects the prefix ${JSON.stringify(prefix)}`, () => {
    const { session } = scripted([{}]);

    assert.throws(
      () => session.mount(prefix as string, new HttpAdapter()),
      begins("mount", '? takes a prefix of URLs, such as "https://" or "https://api.example.com/v1/", got '),
    );
  });
}

for (const adapter of [5, null, undefined, {}]) {
  test(`mount rejects the adapter ${JSON.stringify(adapter)}`, () => {
    const { session } = scripted([{}]);

    assert.throws(
      () => session.mount("https://", adapter as Adapter),
      begins("mount", '?("https://") takes an adapter, such as new HttpAdapter(), got '),
    );
  });
}

test("mount rejects an adapter with an invalid retry", () => {
  const { session, adapter } = scripted([{}]);

  assert.throws(
    () => session.mount("https://", { ...adapter, retry: { totl: 5 } } as unknown as Adapter),
    begins("mount", '?("https://").retry has no option "totl": did you mean total?'),
  );
});

test("the first request to an origin rejects a `policy` function that returns no policy", async () => {
  const { session } = scripted([{}], {
    policy: (() => 5) as unknown as NonNullable<SessionOptions["policy"]>,
  });

  await assert.rejects(
    session.get("https://a.test/"),
    begins("", "Session.policy for https://a.test takes a policy, such as breaker(), got 5"),
  );
});

test("no message quotes a value that may be a secret", () => {
  const secrets: readonly unknown[] = [
    { auth: "ann:hunter2" },
    { headers: { "x-key": "hunter2\n" } },
    { headers: ["hunter2"] },
    { proxy: "ftp://ann:hunter2@p.test" },
    { proxy: "http://ann:hunter2@" },
    { baseUrl: "ftp://ann:hunter2@p.test/" },
    { tls: { passphrase: ["hunter2"] } },
    { tls: { key: "hunter2" } },
  ];

  for (const options of secrets)
    assert.throws(
      () => new Session(options as SessionOptions),
      (error) => error instanceof Error && !String(error.stack).includes("hunter2"),
    );
});

test("an option of undefined counts as absent", async () => {
  const { session } = scripted([{}], {
    retry: undefined,
    timeout: undefined,
    headers: undefined,
  } as unknown as SessionOptions);

  const { status } = await session.get("https://a.test/", {
    signal: undefined,
    retry: undefined,
  } as unknown as RequestOptions);

  assert.equal(status, 200);
});
