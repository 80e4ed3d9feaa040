import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary directory. Disposing of it removes it with all its files. */
export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Creates an empty directory whose name starts with `holdfast-` and `name`. */
export async function temporaryDirectory(name: string): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), `holdfast-${name}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
