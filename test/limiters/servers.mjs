// Plain JavaScript, because the packages below are not part of the workspace and bring types of very different kinds.
import { once } from "node:events";
import { createServer } from "node:http";
import { serve } from "@hono/node-server";
import fastifyLimit from "@fastify/rate-limit";
import express from "express";
import { rateLimit as expressLimit } from "express-rate-limit";
import fastify from "fastify";
import { Hono } from "hono";
import { rateLimiter as honoLimit } from "hono-rate-limiter";
import Koa from "koa";
import koaLimit from "koa-ratelimit";
import { RateLimiterMemory } from "rate-limiter-flexible";

/** Each function starts a server on 127.0.0.1 that allows `limit` requests in `window` milliseconds, and returns it. */
export const limiters = {
  "express-rate-limit, draft-6": onExpress({ standardHeaders: "draft-6", legacyHeaders: false }),
  "express-rate-limit, draft-7": onExpress({ standardHeaders: "draft-7", legacyHeaders: false }),
  "express-rate-limit, draft-8": onExpress({ standardHeaders: "draft-8", legacyHeaders: false }),
  "express-rate-limit, legacy": onExpress({ standardHeaders: false, legacyHeaders: true }),
  "express-rate-limit, no headers": onExpress({ standardHeaders: false, legacyHeaders: false }),
  "@fastify/rate-limit": onFastify({}),
  "@fastify/rate-limit, draft": onFastify({ enableDraftSpec: true }),
  "hono-rate-limiter, draft-6": onHono("draft-6"),
  "hono-rate-limiter, draft-7": onHono("draft-7"),
  "koa-ratelimit": onKoa,
  "rate-limiter-flexible, headers of its README": onFlexible(readmeHeaders),
  "rate-limiter-flexible, no headers": onFlexible(() => ({})),
};

function onExpress(options) {
  return async ({ limit, window }) => {
    const app = express();
    app.use(expressLimit({ ...options, limit, windowMs: window }));
    app.get("/", (_request, response) => void response.send("ok"));
    return listen(createServer(app));
  };
}

function onFastify(options) {
  return async ({ limit, window }) => {
    const app = fastify();
    await app.register(fastifyLimit, { ...options, max: limit, timeWindow: window });
    app.get("/", () => "ok");
    await app.listen({ host: "127.0.0.1", port: 0 });
    return app.server;
  };
}

function onHono(standardHeaders) {
  return async ({ limit, window }) => {
    const app = new Hono();
    app.use(honoLimit({ standardHeaders, limit, windowMs: window, keyGenerator: () => "one" }));
    app.get("/", (context) => context.text("ok"));
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 });
    if (!server.listening) await once(server, "listening");
    return server;
  };
}

async function onKoa({ limit, window }) {
  const app = new Koa();
  app.use(koaLimit({ driver: "memory", db: new Map(), max: limit, duration: window }));
  app.use((context) => {
    context.body = "ok";
  });
  return listen(createServer(app.callback()));
}

function onFlexible(headers) {
  return async ({ limit, window }) => {
    const limiter = new RateLimiterMemory({ points: limit, duration: window / 1_000 });
    return listen(
      createServer((_request, response) => {
        const reply = (status) => (state) => void response.writeHead(status, headers(limit, state)).end();
        void limiter.consume("one").then(reply(200), reply(429));
      }),
    );
  };
}

function readmeHeaders(limit, { msBeforeNext, remainingPoints }) {
  return {
    "Retry-After": msBeforeNext / 1_000,
    "X-RateLimit-Limit": limit,
    "X-RateLimit-Remaining": remainingPoints,
    "X-RateLimit-Reset": Math.ceil((Date.now() + msBeforeNext) / 1_000),
  };
}

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
