import { formatProxyUrl } from "@holdfast/http/internal";
import type { Identity, Member } from "../state/member.ts";
import { fillTemplate } from "../list/template.ts";

/**
 * Returns the URL of a proxy for a request: the template filled for the identity, the credentials from the callback if there
 * is one. URLs of different identities differ, at least by a fragment, so that they share no connection and no TLS
 * session.
 */
export function leaseUrl(
  { spec }: Member,
  identity: Identity | undefined,
  country: string | undefined,
): string | Promise<string> {
  const { address, values, credentials, session } = spec;
  const filling = { values, country: country ?? spec.country, session: identity?.session, ttl: session.ttl };
  const mark = identity === undefined || identity.session !== undefined ? "" : `/#${identity.number}`;
  if (credentials === undefined) return formatProxyUrl(fillTemplate(address, filling)) + mark;
  return credentials().then(
    (given) => formatProxyUrl(fillTemplate({ ...address, ...given }, filling)) + mark,
  );
}
