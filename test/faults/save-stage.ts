import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DownloadOptions, DownloadResult, Session } from "@holdfast/http";
import { faultOrigin, type Entry, type FaultOrigin } from "@holdfast/http/testing";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { body } from "./broken-page.ts";
import { sessionFor, type Scenario } from "./scenario.ts";

/** The origin of a page, and the file for it. */
export interface Setting extends AsyncDisposable {
  readonly origin: FaultOrigin;
  readonly session: Session;
  readonly folder: string;
  readonly file: string;
  save(options?: DownloadOptions): Promise<DownloadResult>;
  /** Names in the folder of the file. */
  names(): Promise<readonly string[]>;
}

interface Options extends Omit<Scenario, "expect" | "origin"> {
  /** Responses of other paths. */
  readonly more?: Readonly<Record<string, readonly Entry[]>>;
}

/** An origin that plays the script at "/", a session, and an empty folder. */
export async function setting(
  script: readonly Entry[],
  { more = {}, ...options }: Options = {},
): Promise<Setting> {
  const folder = await temporaryDirectory("save");
  const origin = await faultOrigin({ routes: { "/": script, ...more } });
  const session = await sessionFor(options);
  const file = join(folder.path, "file.bin");
  return {
    origin,
    session,
    folder: folder.path,
    file,
    save: (saveOptions) => session.download(`${origin.url}/`, file, saveOptions),
    names: async () => (await readdir(folder.path)).toSorted(),
    [Symbol.asyncDispose]: async () => {
      await session.close();
      await origin.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Asserts that the file has this content, and that the folder has no other file. */
export async function holds(at: Setting, expected: Buffer = body): Promise<void> {
  assert.ok(expected.equals(await readFile(at.file)), "the file has another content");
  assert.deepEqual(await at.names(), ["file.bin"]);
}

/** Returns the error of a promise. */
export async function failureOf(act: Promise<unknown>): Promise<Error> {
  try {
    await act;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail("the promise did not reject");
}

export function code(error: unknown): unknown {
  return Reflect.get(Object(error), "code");
}
