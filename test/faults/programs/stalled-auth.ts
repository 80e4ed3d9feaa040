import { Session } from "@holdfast/http";

// Nothing but the limit of the call is left to wake the program: it must not end without a word.
const session = new Session({ timeout: { total: 200 } });
await session
  .get("http://127.0.0.1:1/", { auth: () => new Promise(() => undefined) })
  .catch((error: unknown) => {
    console.log(error instanceof Error && "code" in error ? error.code : error);
  });
