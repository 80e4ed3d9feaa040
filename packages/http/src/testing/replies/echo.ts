import { respond } from "./respond.ts";
import type { Responder } from "../origin/routes.ts";

/** The JSON document that `echo` sends. It has the body as UTF-8 text and as base64. */
export interface Echo {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly bodyBase64: string;
  readonly attempt: number;
}

/** Replies with 200 and the request as JSON, see `Echo`. */
export function echo(): Responder {
  return ({ method, target, headers, body, attempt }) => {
    const said: Echo = {
      method,
      target,
      headers,
      body: body.toString(),
      bodyBase64: body.toString("base64"),
      attempt,
    };
    return respond(200, { headers: { "content-type": "application/json" }, body: JSON.stringify(said) });
  };
}
