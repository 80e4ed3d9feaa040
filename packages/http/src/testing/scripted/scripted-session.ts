import { fakeClock, type FakeClock } from "@holdfast/policy/testing";
import { Session } from "../../session/session.ts";
import type { SessionOptions } from "../../call/options.ts";
import { scriptedAdapter, type ScriptedAdapter, type ScriptedEntry } from "./scripted-adapter.ts";

/** A session without network and randomness, on a fake clock. */
export interface ScriptedSession {
  readonly session: Session;
  readonly adapter: ScriptedAdapter;
  readonly clock: FakeClock;
}

/** Creates a session that plays a script for every URL. */
export function scripted(script: readonly ScriptedEntry[], options: SessionOptions = {}): ScriptedSession {
  const clock = fakeClock();
  const adapter = scriptedAdapter(script, { clock });
  const session = new Session({ clock, random: () => 0, trustEnvironment: false, ...options });
  session.mount("https://", adapter).mount("http://", adapter);
  return { session, adapter, clock };
}

/** Resolves with the error of a call, and throws if the call succeeds. */
export async function catchFailure(
  call: Promise<unknown>,
): Promise<Error & Readonly<Record<string, unknown>>> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("It should have failed");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every property of an object is unknown until it is looked at
  return error as Error & Readonly<Record<string, unknown>>;
}
