import assert from "node:assert/strict";
import { test } from "node:test";
import { noBody } from "../model/body.ts";
import { routeOf } from "./route.ts";

const table: readonly (readonly [path: string, route: string])[] = [
  ["/", "/"],
  ["/users", "/users"],
  ["/users?page=2", "/users"],
  ["/users/1", "/users/{id}"],
  ["/users/0042/posts/7?x=1", "/users/{id}/posts/{id}"],
  ["/v1/oauth2/token", "/v1/oauth2/token"],
  ["/users/6a2f41a3-c54c-fce8-32d2-0324e1c32e22", "/users/{id}"],
  ["/users/6A2F41A3C54CFCE832D20324E1C32E22/x", "/users/{id}/x"],
  ["/commits/9fceb02d0ae598e95dc970b74767f19372d61af8", "/commits/{id}"],
  ["/commits/9fceb02d0ae5", "/commits/{id}"],
  ["/items/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/items/{id}"],
  ["/items/507f1f77bcf86cd799439011", "/items/{id}"],
  ["/defaced/beefed/decade", "/defaced/beefed/decade"],
  ["/user-notification-preferences", "/user-notification-preferences"],
];

for (const [path, route] of table) {
  test(`the route of ${path} is ${route}`, () => {
    const url = new URL(path, "https://a.test");

    assert.equal(routeOf({ method: "GET", url, headers: {}, body: noBody }), `GET https://a.test${route}`);
  });
}
