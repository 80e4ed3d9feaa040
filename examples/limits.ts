import { faultOrigin, fixedWindow, limitedOrigin, respond } from "holdfast/testing";

const ten = { requests: 10, window: 1_000 };
await using origin = await limitedOrigin(fixedWindow(ten, (_left, until) => ({ limit: ten, delay: until })));
await using busy = await faultOrigin({
  routes: { "/": [respond(429, { headers: { "retry-after": "3600" } })] },
});
const url = origin.url;
const busyUrl = `${busy.url}/`;

// #region limits
import { DeferredError, Session } from "holdfast";

await using session = new Session(); // no option needed: the session learns a limit when it meets it

const pages = await Promise.all(Array.from({ length: 25 }, (_, page) => session.get(`${url}/${page}`)));
console.log(pages.filter(({ ok }) => ok).length, "pages");

// Your own queue handles waits of more than one second.
const retry = { retryAfterMax: "1s", onLongRetryAfter: "defer" } as const;
const error: unknown = await session.get(busyUrl, { retry }).catch((reason: unknown) => reason);
if (error instanceof DeferredError) console.log("try again at", new Date(error.resumeAt));
// #endregion

const { accepted, refused } = origin.counts(0, Infinity);
console.log(`${accepted} accepted, ${refused} refused`);
