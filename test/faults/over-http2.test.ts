import { declareOverHttp2 } from "./protocol.ts";

await declareOverHttp2([
  "status",
  "redirect",
  "idempotency",
  "ratelimit",
  "concurrency",
  "headers",
  "body",
  "keepalive",
  "cancel",
  "timing",
  "retry-after",
  "resume",
  "stream",
  "stream-resume",
  "stream-hygiene",
  "hygiene",
  "unwanted-body",
  "attempts",
  "request-body",
]);
