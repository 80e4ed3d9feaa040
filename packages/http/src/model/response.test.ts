import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpResponse, type SchemaError, type StatusError } from "./response.ts";
import type { StandardSchema } from "./schema.ts";

interface Parts {
  readonly status?: number;
  readonly type?: string;
  readonly content?: Uint8Array | string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function responseOf({
  status = 200,
  type,
  content = "",
  url = "https://a.test/x",
  headers = {},
}: Parts): HttpResponse {
  return new HttpResponse({
    status,
    statusText: "",
    url,
    headers: { ...headers, ...(type !== undefined && { "content-type": type }) },
    content: typeof content === "string" ? Buffer.from(content) : content,
  });
}

const texts: readonly (readonly [type: string | undefined, content: Uint8Array, text: string])[] = [
  [undefined, Buffer.from("grün"), "grün"],
  ["text/html", Buffer.from("grün"), "grün"],
  ["text/html; charset=ISO-8859-1", Buffer.from("grün", "latin1"), "grün"],
  ['text/html;CHARSET="iso-8859-1"', Buffer.from("grün", "latin1"), "grün"],
  ["text/html; charset='latin1'", Buffer.from("grün", "latin1"), "grün"],
  ["text/html; x-charset=utf-16; charset=latin1", Buffer.from("grün", "latin1"), "grün"],
  ["text/plain; charset=shift_jis", Uint8Array.of(0x93, 0xfa, 0x96, 0x7b), "日本"],
  ["text/plain; charset=klingon", Buffer.from("grün"), "grün"],
  ["text/plain; charset=", Buffer.from("grün"), "grün"],
  ["text/plain", Buffer.from("\ufeffgrün"), "grün"],
  ["text/plain; charset=latin1", Buffer.from("\ufeffgrün"), "grün"],
  [undefined, Buffer.from("\ufeffgrün", "utf16le"), "grün"],
  [undefined, Uint8Array.of(0xfe, 0xff, 0, 0x67), "g"],
  [undefined, Uint8Array.of(0x67, 0xff), "g\ufffd"],
  [undefined, new Uint8Array(), ""],
];

for (const [type, content, text] of texts) {
  test(`reads ${Buffer.from(content).toString("hex") || "nothing"} of ${type ?? "no type"} as ${JSON.stringify(text)}`, async () => {
    assert.equal(await responseOf({ ...(type !== undefined && { type }), content }).text(), text);
  });
}

test("json() parses JSON in any charset", async () => {
  const plain = await responseOf({ content: '{"a":[1]}' }).json();
  const marked = await responseOf({ content: Buffer.from('\ufeff{"a":[1]}', "utf16le") }).json();

  assert.deepEqual([plain, marked], [{ a: [1] }, { a: [1] }]);
});

test("json() throws a SyntaxError for another body", async () => {
  await assert.rejects(responseOf({ content: "<html>" }).json(), SyntaxError);
});

test("the SyntaxError names URL, type and body without credentials, and has the response", async () => {
  const page = `<html>${"x".repeat(100)}`;
  const response = responseOf({ content: page, url: "https://a.test/?token=s3cret", type: "text/html" });
  const nothing = responseOf({ content: "" });

  const error: unknown = await response.json().catch((reason: unknown) => reason);

  assert.ok(error instanceof SyntaxError);
  assert.equal(
    error.message,
    `https://a.test/?token=*** responded with 200 and a body that is not JSON (text/html; Unexpected token '<'): ${page.slice(0, 80)}…`,
  );
  assert.equal(Reflect.get(error, "response"), response);
  assert.deepEqual(Object.keys(error), []);
  await assert.rejects(
    nothing.json(),
    /not JSON \(no Content-Type; Unexpected end of JSON input\): an empty body/,
  );
});

interface User {
  readonly id: number;
}

const User: StandardSchema<User> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => {
      const id: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "id") : undefined;
      return typeof id === "number"
        ? { value: { id } }
        : {
            issues: [
              { message: "must be a number", path: ["users", { key: 0 }, "id"] },
              { message: "is odd" },
            ],
          };
    },
  },
};

test("json(schema) returns the output of the schema", async () => {
  const user: User = await responseOf({ content: '{"id":1,"more":2}' }).json(User);

  assert.deepEqual(user, { id: 1 });
});

test("an asynchronous schema is awaited", async () => {
  const late: StandardSchema<User> = {
    "~standard": { ...User["~standard"], validate: async (value) => User["~standard"].validate(value) },
  };

  assert.deepEqual(await responseOf({ content: '{"id":1}' }).json(late), { id: 1 });
});

test("a SchemaError has every issue with its path", async () => {
  const failed = responseOf({ content: '{"id":"1"}' }).json(User);

  await assert.rejects(failed, (error: SchemaError) => {
    assert.equal(error.code, "ERR_SCHEMA");
    assert.equal(
      error.message,
      "https://a.test/x responded with 200, and the body does not match the schema: users.0.id: must be a number; is odd",
    );
    return error.issues.length === 2;
  });
});

for (const status of [200, 204, 206, 301, 304]) {
  test(`raiseForStatus returns a ${status}`, () => {
    const response = responseOf({ status });

    assert.equal(response.raiseForStatus(), response);
  });
}

for (const [status, advice] of [
  [404, "Check the URL: the server has no such resource"],
  [401, "Check the credentials: they are missing, wrong or expired"],
  [503, "Retry later: restarts and load spikes usually pass within minutes"],
] as const) {
  test(`raiseForStatus throws a ${status} with its advice`, () => {
    const response = responseOf({ status });

    assert.throws(
      () => response.raiseForStatus(),
      (error: StatusError) =>
        error.message === `https://a.test/x responded with ${status}. ${advice}` &&
        error.response === response &&
        error.verdict.advice === advice,
    );
  });
}

test("a StatusError has no credentials", () => {
  const response = responseOf({
    status: 404,
    url: "https://ann:s3cret@a.test/x?q=1&api_key=s3cret&signature=s3cret&page=2",
  });

  assert.throws(
    () => response.raiseForStatus(),
    (error: Error) => !error.message.includes("s3cret") && error.message.includes("page=2"),
  );
});

test("a Retry-After changes the verdict of a 403", () => {
  const kinds = [
    responseOf({ status: 403 }),
    responseOf({ status: 403, headers: { "retry-after": "1" } }),
  ].map(({ verdict }) => verdict.kind);

  assert.deepEqual(kinds, ["blocked", "throttled"]);
});

test("ok is 2xx", () => {
  assert.deepEqual(
    [199, 200, 299, 300].map((status) => responseOf({ status }).ok),
    [false, true, true, false],
  );
});

test("a response without a call has no attempts", () => {
  const { attempts, elapsed, history, retryAt } = responseOf({});

  assert.deepEqual(
    { attempts, elapsed, history, retryAt },
    { attempts: [], elapsed: 0, history: [], retryAt: undefined },
  );
});
