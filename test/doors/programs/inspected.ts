// Prints what Node's network inspector reports about a GET that is retried.
import { Session as Inspector } from "node:inspector";
import { Session } from "@holdfast/http";
import { faultOrigin, respond } from "@holdfast/http/testing";

interface Notification {
  readonly method: string;
  readonly params: {
    readonly request?: { readonly method: string; readonly url: string };
    readonly response?: { readonly status: number; readonly mimeType: string };
  };
}

const events: unknown[] = [];
const inspector = new Inspector();
inspector.connect();
inspector.on("inspectorNotification", (message: unknown) => {
  const { method, params } = message as Notification;
  const { request, response } = params;
  if (request !== undefined) events.push([method, request.method, new URL(request.url).pathname]);
  else if (response !== undefined) events.push([method, response.status, response.mimeType]);
  else events.push([method]);
});
inspector.post("Network.enable");

const headers = { "content-type": "text/plain" };
await using origin = await faultOrigin({
  routes: { "/a": [respond(503, { headers }), respond(200, { headers })] },
});
await using session = new Session({ trustEnvironment: false, retry: { backoffFactor: 0 } });
await session.get(`${origin.url}/a`);
inspector.disconnect();
console.log(JSON.stringify(events));
