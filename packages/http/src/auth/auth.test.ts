import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { takeUrlCredentials, basicAuth, digestAuth, type Auth, type Credentials } from "./auth.ts";
import { bearerAuth } from "./bearer-auth.ts";
import { noBody, toBody, type Body } from "../model/body.ts";
import { InvalidUrlError } from "../errors/transport-errors.ts";
import type { HttpRequest } from "../model/request.ts";
import { HttpResponse } from "../model/response.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";

const url = "https://a.test/dir/index.html";

function requestTo(target: string, method = "GET"): HttpRequest {
  return { method, url: new URL(target), headers: {}, body: noBody };
}

function refusal(challenge: string): HttpResponse {
  return new HttpResponse({
    status: 401,
    statusText: "",
    url,
    headers: { "www-authenticate": challenge },
    content: new Uint8Array(),
  });
}

function fieldsOf(header: Credentials | undefined): Readonly<Record<string, string>> {
  const fields = [
    ...(typeof header === "string" ? header : "").matchAll(/([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g),
  ];
  return Object.fromEntries(fields.map(([, name, quoted, bare]) => [name, bare ?? quoted]));
}

// RFC 7617 §2, §2.1
const basics: readonly (readonly [user: string, password: string, header: string])[] = [
  ["Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="],
  ["test", "123£", "Basic dGVzdDoxMjPCow=="],
  ["", "", "Basic Og=="],
];

for (const [user, password, header] of basics) {
  test(`basicAuth encodes the ${user ? `credentials of ${user}` : "empty credentials"}`, async () => {
    assert.equal(await basicAuth(user, password)(requestTo(url)), header);
  });
}

test("basicAuth rejects a user name with a colon", () => {
  assert.throws(() => basicAuth("a:b", "c"), RangeError);
});

const inUrls: readonly (readonly [href: string, header: string | undefined, rest: string])[] = [
  ["https://a.test/", undefined, "https://a.test/"],
  ["https://ann:secret@a.test/", "Basic YW5uOnNlY3JldA==", "https://a.test/"],
  ["https://ann@a.test/", "Basic YW5uOg==", "https://a.test/"],
  ["https://:secret@a.test/", "Basic OnNlY3JldA==", "https://a.test/"],
  ["https://a%40b:%C3%BC@a.test/", `Basic ${Buffer.from("a@b:ü").toString("base64")}`, "https://a.test/"],
];

for (const [href, header, rest] of inUrls) {
  test(`takeUrlCredentials removes ${header === undefined ? "nothing" : "the credentials"} from ${href}`, async () => {
    const at = new URL(href);

    const auth = takeUrlCredentials(at);

    assert.deepEqual([await auth?.(requestTo(rest)), at.href], [header, rest]);
  });
}

for (const href of ["https://ann:%zz@a.test/", "https://a%3Ab:%FFs3cret@a.test/"]) {
  test(`takeUrlCredentials rejects the user in ${href} without quoting it`, () => {
    assert.throws(
      () => takeUrlCredentials(new URL(href)),
      (error: Error) =>
        error instanceof InvalidUrlError &&
        !/zz|s3cret|ann:/.test(error.message) &&
        error.cause === undefined,
    );
  });
}

// RFC 7616 §3.9.1, and §3.9.2 with the values of erratum 4897
const common = { qop: '"auth, auth-int"', opaque: '"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"' };
const nonce = '"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"';
const vectors: readonly (readonly [algorithm: string, response: string])[] = [
  ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
];

function challengeOf(fields: Readonly<Record<string, string>>): string {
  return `Digest ${Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ")}`;
}

for (const [algorithm, response] of vectors) {
  test(`digestAuth solves the ${algorithm} challenge of RFC 7616`, async () => {
    const auth = digestAuth("Mufasa", "Circle of Life", {
      cnonce: () => "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    });

    const header = await auth(
      requestTo("http://www.example.org/dir/index.html"),
      refusal(challengeOf({ realm: '"http-auth@example.org"', ...common, algorithm, nonce })),
    );

    assert.deepEqual(fieldsOf(header), {
      username: "Mufasa",
      realm: "http-auth@example.org",
      uri: "/dir/index.html",
      algorithm,
      nonce: nonce.slice(1, -1),
      nc: "00000001",
      cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
      qop: "auth",
      response,
      opaque: common.opaque.slice(1, -1),
    });
  });
}

const unicode = {
  realm: '"api@example.org"',
  qop: '"auth"',
  algorithm: "SHA-512-256",
  nonce: '"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"',
  opaque: '"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"',
  charset: "UTF-8",
};
const jason = (): ReturnType<typeof digestAuth> =>
  digestAuth("Jäsøn Doe", "Secret, or not?", {
    cnonce: () => "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
  });

test("digestAuth solves the SHA-512-256 challenge of RFC 7616 with a hashed user name", async () => {
  const header = await jason()(
    requestTo("http://api.example.org/doe.json"),
    refusal(challengeOf({ ...unicode, userhash: "true" })),
  );

  const { username, userhash, response } = fieldsOf(header);
  assert.deepEqual(
    [username, userhash],
    ["793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b", "true"],
  );
  assert.equal(response, "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
});

test("digestAuth encodes a user name beyond ASCII that is not hashed", async () => {
  const header = await jason()(requestTo("http://api.example.org/doe.json"), refusal(challengeOf(unicode)));

  const fields = fieldsOf(header);
  assert.deepEqual([fields["username*"], fields["username"]], ["UTF-8''J%C3%A4s%C3%B8n%20Doe", undefined]);
  assert.equal(fields["response"], "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
});

test("digestAuth responds as in RFC 2069 to a challenge without qop", async () => {
  // The user of RFC 2617 §3.5 with the response of RFC 2069 §2.1.2.
  const header = await digestAuth("Mufasa", "CircleOfLife")(
    requestTo(url),
    refusal('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'),
  );

  const { response, cnonce, nc, algorithm } = fieldsOf(header);
  assert.equal(response, "1949323746fe6a43ef61f9606e7febea");
  assert.deepEqual([cnonce, nc, algorithm], [undefined, undefined, undefined]);
});

test("digestAuth sends the client nonce of a session algorithm even without qop", async () => {
  const challenge = 'Digest realm="r", nonce="abc", algorithm=MD5-sess';
  const auth = digestAuth("u", "p", { cnonce: () => "xyz" });

  const fields = fieldsOf(await auth(requestTo(url), refusal(challenge)));

  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const secret = md5(`${md5("u:r:p")}:abc:xyz`);
  assert.deepEqual(
    [fields["cnonce"], fields["qop"], fields["nc"], fields["response"]],
    ["xyz", undefined, undefined, md5(`${secret}:abc:${md5("GET:/dir/index.html")}`)],
  );
});

const invalidCredentials: readonly (readonly [what: string, make: () => unknown, message: RegExp])[] = [
  [
    "an undefined user",
    () => basicAuth(undefined as unknown as string, "x"),
    /^basicAuth takes .*, got undefined$/,
  ],
  [
    "a number as the user",
    () => basicAuth(5 as unknown as string, "x"),
    /^basicAuth takes .*, got a number$/,
  ],
  [
    "an undefined password",
    () => digestAuth("u", undefined as unknown as string),
    /^digestAuth takes .*, got undefined$/,
  ],
  [
    "an undefined token",
    () => bearerAuth(undefined as unknown as string),
    /^bearerAuth takes a token, .*, got undefined$/,
  ],
];

for (const [what, make, message] of invalidCredentials) {
  test(`an auth function rejects ${what} when it is created`, () => {
    assert.throws(make, { name: "TypeError", message });
  });
}

for (const [gave, words] of [
  [5, "a number"],
  ["Bearer hunter2\n", "a string that no header can carry"],
  [null, "null"],
] as const) {
  test(`a session throws a TypeError if auth returns ${JSON.stringify(gave)}`, async () => {
    const { session, adapter } = scripted([{}]);

    const error = await catchFailure(session.get(url, { auth: () => gave as string }));

    assert.ok(error instanceof TypeError);
    assert.equal(
      error.message,
      `auth must return the value of an Authorization header, { headers } or { params }, or undefined, got ${words}`,
    );
    assert.equal(adapter.requests.length, 0);
  });
}

test("digestAuth mixes both nonces into the secret of a session algorithm", async () => {
  const responseFor = async (algorithm: string): Promise<string | undefined> =>
    fieldsOf(
      await digestAuth("u", "p", { cnonce: () => "c" })(
        requestTo(url),
        refusal(challengeOf({ realm: '"r"', nonce: '"n"', qop: '"auth"', algorithm })),
      ),
    )["response"];

  assert.equal(await responseFor("MD5-sess"), await responseFor("MD5-SESS"));
  assert.notEqual(await responseFor("MD5-sess"), await responseFor("MD5"));
});

test("digestAuth hashes the realm byte for byte, and user name and password in UTF-8", async () => {
  const realm = Buffer.from([0x7a, 0xe9, 0xff]);
  const md5 = (...parts: readonly (string | Buffer)[]): string =>
    createHash("md5")
      .update(Buffer.concat(parts.map((part) => Buffer.from(part))))
      .digest("hex");

  const header = await digestAuth("Ondřej", "é")(
    requestTo("https://a.test/"),
    refusal(`Digest realm="${realm.toString("latin1")}", nonce="n"`),
  );

  const { response, realm: sentBack } = fieldsOf(header);
  const proof = md5(`${md5("Ondřej:", realm, ":é")}:n:${md5("GET:/")}`);
  assert.deepEqual([sentBack, response], [realm.toString("latin1"), proof]);
});

test("digestAuth hashes a user name byte for byte with the realm", async () => {
  const header = await digestAuth("ü", "p")(
    requestTo("https://a.test/"),
    refusal('Digest realm="\u00e9", nonce="n", userhash=true'),
  );

  const expected = createHash("md5").update(Buffer.from("c3bc3ae9", "hex")).digest("hex");
  assert.equal(fieldsOf(header)["username"], expected);
});

test("digestAuth finds its challenge behind a token of Negotiate, and on a second line", async () => {
  const challenges = (lines: readonly string[]): HttpResponse =>
    new HttpResponse({
      status: 401,
      statusText: "",
      url,
      headers: { "www-authenticate": [...lines] },
      content: new Uint8Array(),
    });

  const headers = await Promise.all([
    digestAuth("u", "p")(requestTo(url), refusal('Negotiate oYG2MIGz=, Digest realm="r", nonce="n"')),
    digestAuth("u", "p")(
      requestTo(url),
      challenges(['Basic realm="never ends', 'Digest realm="r", nonce="n"']),
    ),
  ]);

  assert.deepEqual(
    headers.map((header) => fieldsOf(header)["realm"]),
    ["r", "r"],
  );
});

const strengths: readonly (readonly [what: string, challenge: string, algorithm: string | undefined])[] = [
  [
    "the strongest of several challenges",
    'Digest realm="r", nonce="n", algorithm=MD5, Digest realm="r", nonce="n", algorithm=SHA-256',
    "SHA-256",
  ],
  [
    "the challenge with a known algorithm",
    'Digest realm="r", nonce="n", algorithm=MOON, Digest realm="r", nonce="n", algorithm=MD5',
    "MD5",
  ],
  ["no challenge with an unknown algorithm", 'Digest realm="r", nonce="n", algorithm=MOON', undefined],
  ["no challenge of another scheme", 'Basic realm="r"', undefined],
  ["no challenge with an unknown qop", 'Digest realm="r", nonce="n", qop="moon", algorithm=MD5', undefined],
];

for (const [what, challenge, algorithm] of strengths) {
  test(`digestAuth responds to ${what}`, async () => {
    const header = await digestAuth("u", "p")(requestTo(url), refusal(challenge));

    assert.equal(header === undefined ? undefined : fieldsOf(header)["algorithm"], algorithm);
  });
}

test("digestAuth never answers the challenge of one origin to another", async () => {
  const auth = digestAuth("u", "p");
  const origins = [
    "https://b.test/",
    "http://a.test/dir/index.html",
    "https://a.test:8443/",
    "https://www.a.test/",
  ];

  const first = await auth(requestTo(url), refusal('Digest realm="r", nonce="n", qop="auth"'));
  const others = await Promise.all(origins.map(async (origin) => auth(requestTo(origin))));
  const again = await auth(requestTo(url));

  assert.deepEqual(others, [undefined, undefined, undefined, undefined]);
  assert.deepEqual(
    [first, again].map((header) => fieldsOf(header)["nc"]),
    ["00000001", "00000002"],
  );
});

test("digestAuth keeps the challenges of 100 origins, and forgets the oldest", async () => {
  const auth = digestAuth("u", "p");
  const challenge = refusal('Digest realm="r", nonce="n", qop="auth"');

  for (let host = 0; host < 101; host += 1) await auth(requestTo(`https://h${host}.test/`), challenge);

  assert.equal(await auth(requestTo("https://h0.test/")), undefined);
  assert.ok(await auth(requestTo("https://h1.test/")));
});

test("digestAuth answers an offer of auth-int alone with the hash of the body", async () => {
  const challenge = refusal('Digest realm="r", nonce="n", qop="auth-int", algorithm=SHA-256');
  const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
  const respond = (body: Body): ReturnType<Auth> =>
    digestAuth("u", "p", { cnonce: () => "c" })({ ...requestTo(url, "POST"), body }, challenge);

  for (const [body, text] of [
    [noBody, ""],
    [{ kind: "bytes", bytes: "héllo" }, "héllo"],
    [{ kind: "bytes", bytes: Buffer.from("abc") }, "abc"],
  ] as const) {
    const fields = fieldsOf(await respond(body));

    const a2 = sha(`POST:/dir/index.html:${sha(text)}`);
    assert.equal(fields["qop"], "auth-int");
    assert.equal(fields["response"], sha(`${sha("u:r:p")}:n:00000001:c:auth-int:${a2}`));
  }
  assert.equal(await respond(toBody(() => Readable.from(["x"]))), undefined);
});

test("digestAuth never repeats the count of a nonce, also after several refusals with the same nonces", async () => {
  const auth = digestAuth("u", "p");
  const [one, two] = ["one", "two"].map((nonce) => refusal(`Digest realm="r", nonce="${nonce}", qop="auth"`));

  const headers = [one, one, two, one, two, undefined].map((refused) => auth(requestTo(url), refused));
  const fields = [];
  for (const header of headers) fields.push(fieldsOf(await header));

  assert.deepEqual(
    fields.map(({ nonce, nc }) => [nonce, Number(nc)]),
    [
      ["one", 1],
      ["one", 2],
      ["two", 1],
      ["one", 3],
      ["two", 2],
      ["two", 3],
    ],
  );
});

test("digestAuth sends no header at first, then responds to the known challenge and increments nc", async () => {
  const challenge = {
    status: 401,
    headers: { "www-authenticate": 'Digest realm="r", nonce="n", qop="auth"' },
  };
  const { session, adapter } = scripted([challenge, {}, {}], { auth: digestAuth("u", "p") });

  await session.get(url);
  await session.get(url);

  const sent = adapter.requests.map(({ headers }) => String(headers["authorization"] ?? "none"));
  assert.deepEqual(
    [sent[0], ...sent.slice(1).map((header) => fieldsOf(header)["nc"])],
    ["none", "00000001", "00000002"],
  );
  assert.equal(new Set(sent.map((header) => fieldsOf(header)["cnonce"])).size, 3);
});

test("digestAuth responds to a challenge with another nonce, with or without stale", async () => {
  const challenge = (nonce: string): object => ({
    status: 401,
    headers: { "www-authenticate": `Digest realm="r", nonce="${nonce}", qop="auth"` },
  });
  const { session, adapter } = scripted([challenge("one"), {}, challenge("two"), {}], {
    auth: digestAuth("u", "p"),
  });

  await session.get(url);
  const response = await session.get(url);

  const fields = fieldsOf(String(adapter.requests.at(-1)?.headers["authorization"]));
  assert.deepEqual([response.status, fields["nonce"], fields["nc"]], [200, "two", "00000001"]);
});

test("digestAuth sends a wrong password once, and the call returns the 401", async () => {
  const { session, adapter } = scripted(
    [{ status: 401, headers: { "www-authenticate": 'Digest realm="r", nonce="n"' } }],
    { auth: digestAuth("u", "p") },
  );

  const response = await session.get(url);

  assert.deepEqual([response.status, adapter.requests.length], [401, 2]);
  assert.deepEqual(response.attempts[0]?.discarded, [{ status: 401, reason: "credentials" }]);
});

test("bearerAuth refreshes a rejected token once, within the same attempt", async () => {
  const { session, adapter } = scripted([{ status: 401 }, {}], {
    auth: bearerAuth((refused) => (refused === undefined ? "old" : "new")),
  });

  const response = await session.get(url);

  assert.deepEqual(
    adapter.requests.map(({ headers }) => headers["authorization"]),
    ["Bearer old", "Bearer new"],
  );
  assert.deepEqual([response.status, response.attempts.length], [200, 1]);
});

test("the call returns the 401 if the server rejects the refreshed token too", async () => {
  const { session, adapter } = scripted([{ status: 401 }], { auth: bearerAuth(async () => "t") });

  const response = await session.get(url);

  assert.deepEqual(
    [response.status, adapter.requests.length, response.verdict.advice],
    [401, 2, "Check the credentials: they are missing, wrong or expired"],
  );
});

for (const [name, auth] of [
  ["a fixed token", bearerAuth("t")],
  ["basic authentication", basicAuth("u", "p")],
] as const) {
  test(`the session sends ${name} only once after a 401`, async () => {
    const { session, adapter } = scripted([{ status: 401 }], { auth });

    await session.get(url);

    assert.equal(adapter.requests.length, 1);
  });
}

test("the caller's Authorization header overrides auth, also after a 401", async () => {
  const { session, adapter } = scripted([{ status: 401 }], { auth: bearerAuth(() => "t") });

  await session.get(url, { headers: { Authorization: "own" } });

  assert.deepEqual(
    adapter.requests.map(({ headers }) => headers["authorization"]),
    ["own"],
  );
});

const precedence: readonly (readonly [what: string, url: string, auth: string | undefined, sent: string])[] =
  [
    ["the auth of the session", "https://a.test/", undefined, "Bearer session"],
    [
      "the credentials of the URL instead of the session's auth",
      "https://ann:secret@a.test/",
      undefined,
      "Basic YW5uOnNlY3JldA==",
    ],
    [
      "the auth of the request instead of the URL's and the session's",
      "https://ann:secret@a.test/",
      "request",
      "Bearer request",
    ],
  ];

for (const [what, target, token, sent] of precedence) {
  test(`the session sends ${what}, and no URL shows credentials`, async () => {
    const { session, adapter } = scripted([{}], { auth: bearerAuth("session") });

    const response = await session.get(target, token === undefined ? {} : { auth: bearerAuth(token) });

    assert.deepEqual(
      [adapter.requests[0]?.headers["authorization"], adapter.requests[0]?.url, response.url],
      [sent, "https://a.test/", "https://a.test/"],
    );
  });
}

test("an error of the token function ends the call", async () => {
  const { session, adapter } = scripted([{}], {
    auth: bearerAuth(() => {
      throw new Error("no token today");
    }),
  });

  const error = await catchFailure(session.get(url));

  assert.deepEqual([error.message, adapter.requests.length], ["no token today", 0]);
});

test("the session does not repeat a sent stream after a 401", async () => {
  const { session, adapter } = scripted([{ status: 401 }, {}], { auth: bearerAuth(() => "t") });

  const response = await session.post(url, { body: new Blob(["abc"]).stream() });

  assert.deepEqual([response.status, adapter.requests.length], [401, 1]);
});
