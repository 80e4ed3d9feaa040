import { Session } from "@holdfast/http";

// Only the timer of the call keeps the program alive: it must not end without output.
const session = new Session({ timeout: { total: 200 } });
await session
  .get("http://127.0.0.1:1/", { auth: () => new Promise(() => undefined) })
  .catch((error: unknown) => {
    console.log(error instanceof Error && "code" in error ? error.code : error);
  });
