import assert from "node:assert/strict";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { basicAuth } from "./auth.ts";
import { parseNetrc } from "./netrc.ts";
import { catchFailure, scripted } from "../testing/scripted/scripted-session.ts";
import type { RequestOptions, SessionOptions } from "../call/options.ts";

const text = `# comment machine no.test
machine a.test login ada password love # not a comment
machine b.test
	login "b \\"user\\""
	password p#1
macdef init
machine macro.test login x password y

machine upper.TEST. login u password v
default login anyone password guest
`.replace(" # not a comment", "");

test("reads machines, quoted values, macros, comments and the default", () => {
  assert.deepEqual(parseNetrc(text, "netrc"), [
    { machine: "a.test", login: "ada", password: "love" },
    { machine: "b.test", login: 'b "user"', password: "p#1" },
    { machine: "upper.test", login: "u", password: "v" },
    { machine: undefined, login: "anyone", password: "guest" },
  ]);
});

test("reads keywords in any case, and values as they are", () => {
  assert.deepEqual(parseNetrc("MACHINE a.test Login Ada\tPASSWORD Love", "n"), [
    { machine: "a.test", login: "Ada", password: "Love" },
  ]);
});

for (const [what, wrong, message] of [
  ["an unknown word", "machine a.test\nuser ada", / n:2: expected machine/],
  ["a word without a value", "machine a.test login", / n:1: login has no value/],
  ["a login before the first machine", "login ada", / n:1: login stands before/],
] as const) {
  test(`refuses ${what}, with its line`, () => {
    assert.throws(() => parseNetrc(wrong, "n"), message);
  });
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString("base64")}`;

const sent: readonly (readonly [
  what: string,
  url: string,
  header: string | undefined,
  options?: RequestOptions,
  session?: SessionOptions,
])[] = [
  ["the entry of the host", "https://A.test./x", basic("ada:love")],
  ["the default for another host", "https://other.test/", basic("anyone:guest")],
  ["the user of the URL instead", "https://me:pw@a.test/", basic("me:pw")],
  ["an Authorization header instead", "https://a.test/", "mine", { headers: { authorization: "mine" } }],
  ["the auth of the request instead", "https://a.test/", basic("x:y"), { auth: basicAuth("x", "y") }],
  ["the auth of the session instead", "https://a.test/", basic("x:y"), {}, { auth: basicAuth("x", "y") }],
  [
    "the entry of a host beside baseUrl",
    "https://a.test/",
    basic("ada:love"),
    {},
    { baseUrl: "https://api.test/" },
  ],
];

for (const [what, url, header, options, own] of sent) {
  test(`netrc sends ${what}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "netrc-"));
    const netrc = join(folder.path, "netrc");
    await writeFile(netrc, text);
    const { session, adapter } = scripted([{}], { netrc, ...own });

    await session.get(url, options);

    assert.equal(adapter.requests[0]?.headers["authorization"], header);
  });
}

test("the password of a host does not follow a redirect to another", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "netrc-"));
  const netrc = join(folder.path, "netrc");
  await writeFile(netrc, "machine a.test login ada password love");
  const { session, adapter } = scripted([{ status: 302, headers: { location: "https://b.test/" } }, {}], {
    netrc,
  });

  await session.get("https://a.test/");

  assert.deepEqual(
    adapter.requests.map(({ headers }) => headers["authorization"]),
    [basic("ada:love"), undefined],
  );
});

test("a file that cannot be read is an error that names it", async () => {
  const { session, adapter } = scripted([{}], { netrc: "/nowhere/netrc" });

  const error = await catchFailure(session.get("https://a.test/"));

  assert.match(error.message, /The netrc file \/nowhere\/netrc cannot be read/);
  assert.equal(adapter.requests.length, 0);
});
