import { faultOrigin, respond } from "holdfast/testing";

/** A chat API with two buckets, as OpenAI has them: requests and tokens, each with its own reset. */
const spent = (requests: string, tokens: string, reset: string): Record<string, string> => ({
  "content-type": "application/json",
  "x-ratelimit-remaining-requests": requests,
  "x-ratelimit-reset-requests": reset,
  "x-ratelimit-remaining-tokens": tokens,
  "x-ratelimit-reset-tokens": reset,
});
const answer = JSON.stringify({ choices: [{ message: { content: "Make a loop." } }] });

await using origin = await faultOrigin({
  routes: {
    "/v1/chat/completions": [
      respond(429, { headers: spent("0", "9000", "300ms"), body: "{}" }),
      respond(429, { headers: spent("59", "0", "1s"), body: "{}" }),
      respond(200, { headers: spent("58", "8000", "1s"), body: answer }),
      respond(429, {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ error: { code: "insufficient_quota" } }),
      }),
    ],
  },
});
const baseUrl = origin.url;
const token = "sk-not-a-real-one";

// #region chat
import { bearerAuth, Session } from "holdfast";

await using session = new Session({ baseUrl, auth: bearerAuth(token) });

async function ask(question: string): Promise<string> {
  const json = { model: "any", messages: [{ role: "user", content: question }] };
  const response = await session.post("/v1/chat/completions", { json, idempotencyKey: "auto" });
  for (const { status, delay, delaySource, decision } of response.attempts)
    console.log(status, delay === undefined ? decision : `repeated after ${delaySource}`);
  if (!response.ok) return `gave up: ${response.verdict.advice}`;
  return response.text();
}

console.log(await ask("How do I tie a bowline?"));
console.log(await ask("And a clove hitch?")); // also a 429, but the credit is used up: no wait helps
// #endregion
