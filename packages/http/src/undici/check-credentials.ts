import { isSecretHeader, isSecretParameter } from "@holdfast/policy/internal";
import type { Engine } from "../dispatch/engine.ts";
import { paramNames } from "../model/request.ts";

/**
 * Checks that the credentials of a session stay with their origins: below a fetch, the request after a redirect looks like any other.
 *
 * @throws TypeError for a session with credentials and without `baseUrl`.
 */
export function checkCredentials(name: string, { options, defaults }: Engine): void {
  const { baseUrl, socketPath, auth } = options;
  if (baseUrl !== undefined || socketPath !== undefined) return;
  const given = [
    auth === undefined ? undefined : "auth",
    Object.keys(defaults.headers).find(isSecretHeader),
    [...paramNames(defaults.params ?? {})].find(isSecretParameter),
  ].find((each) => each !== undefined);
  if (given === undefined) return;
  throw new TypeError(
    `${name} takes ${given} only with baseUrl: a redirect to another origin would get the credentials. Add baseUrl, or use createFetch()`,
  );
}
