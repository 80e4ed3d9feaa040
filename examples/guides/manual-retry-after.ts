import { faultOrigin, respond } from "holdfast/testing";

await using origin = await faultOrigin({
  routes: {
    "/": [
      respond(429, { headers: { "retry-after": "1" } }),
      respond(503),
      respond(200, { body: "thank you" }),
    ],
  },
});
const url = `${origin.url}/`;

// #region manual-retry-after
import { parseRetryAfter, Session, type HttpResponse } from "holdfast";
import { systemClock } from "holdfast/policy";

await using session = new Session({ retry: false });

async function fetchWithRetryAfter(target: string, maxRetries = 3): Promise<HttpResponse> {
  for (let retries = 0; ; retries += 1) {
    const response = await session.get(target);
    if (response.verdict.kind === "success" || retries === maxRetries) return response;
    const requested = parseRetryAfter(response.headers.get("retry-after") ?? "", systemClock.date());
    await systemClock.sleep(requested?.delay ?? 100 * 2 ** retries);
  }
}

console.log(await (await fetchWithRetryAfter(url)).text());
// #endregion
