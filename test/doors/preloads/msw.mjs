// A preload that mocks two requests, as a test suite does.
import { http, HttpResponse } from "msw";
import { setupServer } from "msw/node";

const mocked = (method) => HttpResponse.text(`mocked ${method}`);
setupServer(
  http.get("http://mocked.test/get", () => mocked("get")),
  http.put("http://mocked.test/put", async ({ request }) => mocked(await request.text())),
).listen({ onUnhandledFrame: "bypass" });
