import assert from "node:assert/strict";
import { test } from "node:test";
import ky, { HTTPError } from "ky";
import { createFetch as createOfetch, FetchError } from "ofetch";
import { createFetch } from "@holdfast/http";
import { faultOrigin, respond } from "@holdfast/http/testing";

const quick = { trustEnvironment: false, retry: { total: 3, backoffFactor: 0 } } as const;

const limited = [
  respond(429, { headers: { "retry-after": "1" } }),
  respond(503),
  respond(200, { body: '{"ok":true}', headers: { "content-type": "application/json" } }),
];

test("ky over a fetch of a session has one loop of attempts, and each has the whole body", async () => {
  await using origin = await faultOrigin({ routes: { "/a": limited, "/b": respond(503) } });
  const client = ky.create({ fetch: createFetch(quick), retry: 0, timeout: false });

  const result = await client.put(`${origin.url}/a`, { json: { name: "value" } }).json();

  assert.deepEqual(result, { ok: true });
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString()),
    ['{"name":"value"}', '{"name":"value"}', '{"name":"value"}'],
  );
  assert.ok((origin.gaps("/a")[0] ?? 0) >= 990);
  await assert.rejects(client.get(`${origin.url}/b`), HTTPError);
  assert.equal(origin.attempts("/b"), 4);
});

test("ofetch over a fetch of a session has one loop of attempts, and each has the whole body", async () => {
  await using origin = await faultOrigin({ routes: { "/a": limited, "/b": respond(503) } });
  const client = createOfetch({ fetch: createFetch(quick), defaults: { retry: 0 } });

  const result = await client<unknown>(`${origin.url}/a`, { method: "PUT", body: { name: "value" } });

  assert.deepEqual(result, { ok: true });
  assert.deepEqual(
    origin.requests.map(({ body }) => body.toString()),
    ['{"name":"value"}', '{"name":"value"}', '{"name":"value"}'],
  );
  await assert.rejects(client(`${origin.url}/b`), FetchError);
  assert.equal(origin.attempts("/b"), 4);
});
