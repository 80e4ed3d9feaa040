import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Get } from "./get.ts";

/** The part of `@holdfast/http` that the benchmark uses, the same in every commit that can be compared. */
interface HttpModule {
  readonly Session: new (options: object) => {
    get(url: string): Promise<{ raiseForStatus(): { readonly content: Uint8Array } }>;
  };
}

/** Opens a session of the built `packages/http/dist` of a clone of this repository. */
export async function openBuiltHoldfast(clone: string): Promise<Get> {
  const entry = join(resolve(clone), "packages/http/dist/index.js");
  const { Session } = (await import(pathToFileURL(entry).href)) as HttpModule;
  return getWithSession(Session);
}

/** Opens a session with every feature on, as a user would, and returns its `get`. */
export function getWithSession(Session: HttpModule["Session"]): Get {
  let failures = 0;
  const session = new Session({
    timeout: { connect: "5s", read: "30s", total: "2m" },
    hooks: {
      response: [({ status }: { readonly status: number }) => void (failures += status < 400 ? 0 : 1)],
    },
  });
  return async (url) => {
    const response = await session.get(url);
    return response.raiseForStatus().content;
  };
}
