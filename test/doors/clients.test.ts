// The clients of popular services with `createFetch` as their fetch, against servers that limit, fail and cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { Octokit } from "@octokit/core";
import ky from "ky";
import { ofetch } from "ofetch";
import OpenAI from "openai";
import createClient from "openapi-fetch";
import { Stripe } from "stripe";
import { createFetch } from "@holdfast/http";
import { cut, faultOrigin, respond, type FaultOrigin, type RespondOptions } from "@holdfast/http/testing";

const json = { "content-type": "application/json" };
const quick = { trustEnvironment: false, retry: { backoffFactor: 0.001 } } as const;
// A model may be asked twice: these clients repeat their POSTs, too.
const everyMethod = {
  trustEnvironment: false,
  retry: { backoffFactor: 0.001, allowedMethods: null },
} as const;

/** A server that limits, fails and cuts before it gives a body. */
function failing(value: unknown): Promise<FaultOrigin> {
  const whole: RespondOptions = { headers: json, body: JSON.stringify(value) };
  const limited = respond(429, {
    headers: { ...json, "retry-after": "0" },
    body: '{"error":{"message":"slow down"}}',
  });
  const replies = [limited, respond(503), cut(respond(200, whole), { atBody: 5 }), respond(200, whole)];
  return faultOrigin({ routes: { "*": replies } });
}

/** The bodies that the server received, in order. */
function bodiesOf(origin: FaultOrigin): readonly string[] {
  return origin.requests.map(({ body }) => body.toString());
}

test("openai gets a completion through a limit, a failure and a cut", async () => {
  await using origin = await failing({ choices: [{ message: { content: "hello" } }] });
  const client = new OpenAI({
    apiKey: "key",
    baseURL: `${origin.url}/v1`,
    fetch: createFetch(everyMethod),
    maxRetries: 0,
  });

  const completion = await client.chat.completions.create({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
  });

  assert.equal(completion.choices[0]?.message.content, "hello");
  const [first, ...others] = bodiesOf(origin);
  assert.match(first ?? "", /"hi"/);
  assert.deepEqual(others, [first, first, first]);
});

test("openai reads a stream of events as it arrives", async () => {
  const events = ["a", "b"].map(
    (content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`,
  );
  await using origin = await faultOrigin({
    routes: {
      "*": [
        respond(503),
        respond(200, {
          headers: { "content-type": "text/event-stream" },
          body: `${events.join("")}data: [DONE]\n\n`,
        }),
      ],
    },
  });
  const client = new OpenAI({
    apiKey: "key",
    baseURL: origin.url,
    fetch: createFetch(everyMethod),
    maxRetries: 0,
  });

  const stream = await client.chat.completions.create({
    model: "m",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
  });

  const received: unknown[] = [];
  for await (const { choices } of stream) received.push(choices[0]?.delta.content);
  assert.deepEqual(received, ["a", "b"]);
});

test("openai gets its error of a limit, with the body of the server", async () => {
  await using origin = await faultOrigin({
    routes: {
      "*": respond(429, {
        headers: { ...json, "retry-after": "2000" },
        body: '{"error":{"message":"slow"}}',
      }),
    },
  });
  const client = new OpenAI({
    apiKey: "key",
    baseURL: origin.url,
    fetch: createFetch(everyMethod),
    maxRetries: 0,
  });
  const ask = (): Promise<unknown> => client.models.list().withResponse();

  // The second one is not sent: the limit is closed.
  for (const call of [ask, ask])
    await assert.rejects(
      call(),
      (error) => error instanceof OpenAI.RateLimitError && error.message.includes("slow"),
    );
  assert.equal(origin.requests.length, 1);
});

test("anthropic gets a message through a limit, a failure and a cut", async () => {
  await using origin = await failing({ content: [{ type: "text", text: "hello" }] });
  const client = new Anthropic({
    apiKey: "key",
    baseURL: origin.url,
    fetch: createFetch(everyMethod),
    maxRetries: 0,
  });

  const message = await client.messages.create({
    model: "m",
    max_tokens: 9,
    messages: [{ role: "user", content: "hi" }],
  });

  assert.deepEqual(message.content, [{ type: "text", text: "hello" }]);
  assert.equal(new Set(bodiesOf(origin)).size, 1);
});

test("stripe creates a customer once, by its idempotency key", async () => {
  await using origin = await failing({ id: "cus_1", object: "customer" });
  const { hostname, port } = new URL(origin.url);
  const client = new Stripe("sk_test_1", {
    host: hostname,
    port: Number(port),
    protocol: "http",
    httpClient: Stripe.createFetchHttpClient(createFetch(quick)),
    maxNetworkRetries: 0,
    telemetry: false,
  });

  const customer = await client.customers.create({ email: "a@b.test" });

  const keys = origin.requests.map(({ headers }) => headers["idempotency-key"]);
  assert.deepEqual([customer.id, origin.requests.length, new Set(keys).size], ["cus_1", 4, 1]);
  assert.notEqual(keys[0], undefined);
});

test("octokit, ky, ofetch and openapi-fetch get their JSON through a limit, a failure and a cut", async () => {
  const clients: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
    octokit: async (baseUrl) => {
      const octokit = new Octokit({ baseUrl, request: { fetch: createFetch(quick) } });
      return (await octokit.request("GET /repos/{owner}/{repo}", { owner: "a", repo: "b" })).data;
    },
    ky: (url) =>
      ky
        .create({ fetch: createFetch(quick), retry: 0 })
        .get(url)
        .json(),
    ofetch: (url) => ofetch.create({ retry: 0 }, { fetch: createFetch(quick) })(url),
    "openapi-fetch": async (baseUrl) => {
      interface Paths {
        readonly "/thing": {
          readonly get: {
            readonly responses: {
              readonly 200: { readonly content: { readonly "application/json": unknown } };
            };
          };
        };
      }
      const client = createClient<Paths>({ baseUrl, fetch: createFetch(quick) });
      return (await client.GET("/thing")).data;
    },
  };

  for (const [name, get] of Object.entries(clients)) {
    await using origin = await failing({ name });
    assert.deepEqual(await get(origin.url), { name });
    assert.equal(origin.requests.length, 4, name);
  }
});

test("openai causes one warning when it repeats requests as well", async (t) => {
  await using origin = await faultOrigin({
    routes: { "*": respond(503, { headers: { "retry-after-ms": "1" } }) },
  });
  const codes: unknown[] = [];
  const listen = (warning: Error): void => void codes.push(Reflect.get(warning, "code"));
  process.on("warning", listen);
  t.after(() => process.off("warning", listen));
  const client = new OpenAI({ apiKey: "key", baseURL: origin.url, fetch: createFetch(quick), maxRetries: 2 });

  await assert.rejects(Promise.resolve(client.models.list()));

  assert.deepEqual(codes, ["HOLDFAST_NESTED_RETRIES"]);
});
