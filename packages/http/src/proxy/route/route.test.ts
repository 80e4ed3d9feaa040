import assert from "node:assert/strict";
import { test } from "node:test";
import { ProxyPool } from "../pool/pool.ts";
import { router } from "./route.ts";

const url = new URL("http://a.test/");
const pool = new ProxyPool(["p1:1"]);
const other = new ProxyPool(["p2:2"]);
const environment = { http_proxy: "http://env.test:1" };

test("without a pool it is as it was", () => {
  assert.equal(router(undefined, undefined)(url), undefined);
  assert.equal(router(undefined, environment)(url), "http://env.test:1");
  assert.equal(router("http://s.test:2", environment)(url, "http://own.test:3"), "http://own.test:3");
});

test("a session's pool is before the environment, and a request's word before the pool", () => {
  const route = router(pool, environment);

  assert.deepEqual(route(url), { pool, country: undefined, identity: undefined });
  assert.equal(route(url, "http://own.test:3"), "http://own.test:3");
  assert.equal(route(url, { http: "http://own.test:3" }), "http://own.test:3");
  assert.deepEqual(route(url, { https: "http://own.test:3" }), {
    pool,
    country: undefined,
    identity: undefined,
  });
  assert.deepEqual(route(url, other), { pool: other, country: undefined, identity: undefined });
});

test("a request selects within the pool", () => {
  assert.deepEqual(router(pool, undefined)(url, { country: "us" }), {
    pool,
    country: "us",
    identity: undefined,
  });
  assert.deepEqual(router(pool, undefined)(url, { identity: "x" }), {
    pool,
    country: undefined,
    identity: "x",
  });
});

test("a selection without a pool is a mistake", () => {
  assert.throws(() => router("http://s.test:2", undefined)(url, { country: "us" }), /the session has none/);
});

test("what no_proxy exempts goes directly", () => {
  const exempting = new ProxyPool({ environment: { HOLDFAST_PROXIES: "p1:1", no_proxy: "a.test" } });

  assert.equal(router(exempting, environment)(url), undefined);
});
