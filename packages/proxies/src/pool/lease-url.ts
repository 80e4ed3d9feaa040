import { formatProxyUrl } from "@holdfast/http/internal";
import type { Identity, Member } from "../state/member.ts";
import { fillTemplate } from "../list/template.ts";

/**
 * Gives the URL of a proxy for a request: its template filled for the identity, its credentials asked for where a
 * callback gives them. Identities differ in their URLs, if only by a fragment, so that no two of them share a
 * connection or a TLS session.
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
