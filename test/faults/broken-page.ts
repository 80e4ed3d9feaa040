import { cut, ranged, respond } from "@holdfast/http/testing";

/** A page of 200 000 bytes: every piece of it is found in one place only. */
export const body = Buffer.from(
  Array.from({ length: 20_000 }, (_, n) => `${String(n).padStart(9, "0")}\n`).join(""),
);

/** Another page of the same length. */
export const changed = Buffer.from(body.toReversed());

/** The validator of the page. */
export const strong = { etag: '"v1"' };

/** Position at which the first response breaks off. */
export const cutAt = 80_000;

/** A response that breaks off. */
export const first = cut(respond(200, { headers: strong, body }), { atBody: cutAt });

/** The page from the requested position. */
export const good = ranged({ body, ...strong });
