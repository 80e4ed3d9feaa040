import { respond, type HeaderInput } from "@holdfast/http/testing";
import { scenarios, type Scenario } from "./scenario.ts";

const patient = respond(200, { body: "thank you for waiting\n" });
const came = { status: 200, body: "thank you for waiting\n", attempts: 2 } as const;
const second = [{ min: 1_000, max: 3_000 }];

function later(status: number, headers: HeaderInput, body = ""): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [respond(status, { headers, body }), patient] } } };
}

const inJson = { "content-type": "application/json" };

scenarios({
  "ratelimit.ietf-fields": {
    ...later(429, { ratelimit: '"default";r=0;t=1' }),
    expect: { ...came, gaps: second },
  },
  "ratelimit.ietf-reset-delta": {
    ...later(429, { "ratelimit-reset": "1" }),
    expect: { ...came, gaps: second },
  },
  "ratelimit.retry-after-ms": {
    ...later(429, { "retry-after-ms": "700" }),
    expect: { ...came, gaps: [{ min: 700, max: 3_000 }] },
  },
  "ratelimit: Retry-After precedes RateLimit": {
    ...later(429, { "retry-after": "1", ratelimit: '"default";r=0;t=60' }),
    expect: { ...came, gaps: second },
  },
  "ratelimit: a malformed RateLimit is ignored, and the call retries": {
    ...later(429, { ratelimit: '"default;r=0;t=60' }),
    expect: { ...came, elapsed: { max: 1_000 } },
  },
  "ratelimit: remaining requests cause no wait": {
    ...later(503, { "x-ratelimit-remaining": "9", "x-ratelimit-reset": "60" }),
    expect: { ...came, elapsed: { max: 1_000 } },
  },
  "ratelimit: a 403 of GitHub's limit is retried": {
    ...later(403, {
      "x-github-request-id": "C0DE:1",
      "x-ratelimit-remaining": "0",
      // The reset is in the past: only the safety margin of one second remains.
      "x-ratelimit-reset": "1767225600",
    }),
    expect: { ...came, gaps: second },
  },
  "ratelimit: the call waits for the delay in the body": {
    ...later(
      429,
      inJson,
      JSON.stringify({
        error: {
          details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "0.7s" }],
        },
      }),
    ),
    expect: { ...came, gaps: [{ min: 700, max: 3_000 }] },
  },
  "ratelimit: an exhausted quota is not retried": {
    ...later(429, inJson, JSON.stringify({ error: { code: "insufficient_quota" } })),
    expect: { status: 429, attempts: 1, elapsed: { max: 1_000 } },
  },
  "ratelimit: a veto of the server prevents a retry": {
    ...later(503, { "stripe-should-retry": "false" }),
    expect: { status: 503, attempts: 1, elapsed: { max: 1_000 } },
  },
});
