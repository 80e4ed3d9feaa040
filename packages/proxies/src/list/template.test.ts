import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/policy/testing";
import * as fc from "fast-check";
import { parseProxyAddress, formatProxyUrl } from "@holdfast/http/internal";
import {
  checkTemplate,
  fillTemplate,
  isSessionTemplate,
  createSessionId,
  sessionLimits,
  takesCountry,
  type TemplateValues,
} from "./template.ts";

const filling: TemplateValues = {
  values: { user: "ada", pass: "love", zone: "res1", city: "paris" },
  country: "us",
  session: "s3cr3t1d",
  ttl: 600_000,
};

/** The grammars of user names in the manuals of vendors. */
const vendors: readonly (readonly [vendor: string, template: string, url: string])[] = [
  [
    "Oxylabs",
    "customer-{user}-cc-{country}-city-{city}-sessid-{session:alnum8}-sesstime-{ttl:minutes}:{pass}@pr.oxylabs.io:7777",
    "http://customer-ada-cc-us-city-paris-sessid-s3cr3t1d-sesstime-10:love@pr.oxylabs.io:7777",
  ],
  [
    "Decodo",
    "user-{user}-country-{country}-session-{session:alnum12}-sessionduration-{ttl:minutes}:{pass}@gate.decodo.com:7000",
    "http://user-ada-country-us-session-s3cr3t1d-sessionduration-10:love@gate.decodo.com:7000",
  ],
  [
    "IPRoyal, in the password",
    "{user}:{pass}_country-{country}_session-{session:alnum8}_lifetime-{ttl:minutes}m@geo.iproyal.com:12321",
    "http://ada:love_country-us_session-s3cr3t1d_lifetime-10m@geo.iproyal.com:12321",
  ],
  [
    "SOAX",
    "package-{user}-country-{country}-sessionid-{session:alnum10}-sessionlength-{ttl:seconds}:{pass}@proxy.soax.com:5000",
    "http://package-ada-country-us-sessionid-s3cr3t1d-sessionlength-600:love@proxy.soax.com:5000",
  ],
  [
    "SOAX, new",
    "country-{country}-sessionid-{session:alnum10}:pk_{pass}@proxy.soax.com:1337",
    "http://country-us-sessionid-s3cr3t1d:pk_love@proxy.soax.com:1337",
  ],
  [
    "Bright Data",
    "brd-customer-{user}-zone-{zone}-country-{country}-session-{session:alnum10}:{pass}@brd.superproxy.io:33335",
    "http://brd-customer-ada-zone-res1-country-us-session-s3cr3t1d:love@brd.superproxy.io:33335",
  ],
  [
    "Geonode",
    "{user}-country-{country}-session-{session:alnum25}-lifetime-{ttl:minutes}:{pass}@proxy.geonode.io:9000",
    "http://ada-country-us-session-s3cr3t1d-lifetime-10:love@proxy.geonode.io:9000",
  ],
  [
    "Massive",
    "{user}-session-{session:alnum255}:{pass}@network.joinmassive.com:65534",
    "http://ada-session-s3cr3t1d:love@network.joinmassive.com:65534",
  ],
  [
    "helodata, Thordata, 922 and ping",
    "{user}-region-{country}-sessid-{session:alnum10}-sesstime-{ttl:minutes}:{pass}@gw.test:9999",
    "http://ada-region-us-sessid-s3cr3t1d-sesstime-10:love@gw.test:9999",
  ],
  [
    "A vendor with lines of the form host:port:user:pass",
    "gw.test:9999:{user}-cc-{country}-sessid-{session:alnum8}:{pass}",
    "http://ada-cc-us-sessid-s3cr3t1d:love@gw.test:9999",
  ],
];

for (const [vendor, template, url] of vendors) {
  test(`${vendor}: fillTemplate creates the user names of the vendor`, () => {
    const address = parseProxyAddress(template);

    checkTemplate(address, filling.values);

    assert.equal(formatProxyUrl(fillTemplate(address, filling)), url);
    assert.equal(isSessionTemplate(address), true);
  });
}

const cases: readonly (readonly [
  what: string,
  template: string,
  filling: TemplateValues,
  username: string,
])[] = [
  ["an optional part with its value", "a(-cc-{country})", { country: "us" }, "a-cc-us"],
  ["an optional part without its value", "a(-cc-{country})", {}, "a"],
  ["an optional part with one of two values", "a(-{country}-{city})", { country: "us" }, "a"],
  ["parentheses without a placeholder", "a(b)", {}, "a(b)"],
  ["braces without a placeholder", "a{}{9}", {}, "a{}{9}"],
  ["a fractional number of minutes", "{ttl:minutes}", { ttl: 90_000 }, "2"],
  ["a time in hours", "{ttl:hours}", { ttl: 7_200_000 }, "2"],
  ["a time without a unit, in minutes", "{ttl}", { ttl: 60_000 }, "1"],
  ["a value that looks like a placeholder", "{user}", { values: { user: "{session}" } }, "{session}"],
];

for (const [what, username, given, expected] of cases) {
  test(`fillTemplate fills ${what}`, () => {
    const address = { scheme: "http", host: "a.test", port: 1, username, password: "" } as const;

    assert.equal(fillTemplate(address, given).username, expected);
  });
}

for (const [template, why] of [
  ["{zone}", /\{zone\} has no value/],
  ["{toString}", /\{toString\} has no value/],
  ["{session:emoji4}", /\{session\} has an unknown format/],
  ["{session:alnum256}", /\{session\} has an unknown format/],
  ["{ttl:fortnights}", /\{ttl\} has an unknown format/],
] as const) {
  test(`checkTemplate rejects ${template}`, () => {
    assert.throws(() => checkTemplate(parseProxyAddress(`${template}:x@a.test:1`), { user: "ada" }), why);
  });
}

test("takesCountry is true for a template with {country}", () => {
  assert.equal(takesCountry(parseProxyAddress("u-{country}:p@a.test:1")), true);
  assert.equal(takesCountry(parseProxyAddress("u:p@a.test:1")), false);
});

test("fillTemplate names a placeholder without a value, and quotes nothing else", () => {
  const address = parseProxyAddress("hunter2000-{country}:p@a.test:1");

  assert.throws(() => fillTemplate(address, {}), {
    name: "TypeError",
    message: "the placeholder {country} has no value",
  });
});

const alphabets = {
  alnum: /^[A-Za-z\d]+$/,
  lower: /^[a-z\d]+$/,
  alpha: /^[a-z]+$/,
  digits: /^\d+$/,
  hex: /^[\da-f]+$/,
};

test("createSessionId returns an id of the requested alphabet and length for any seed", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("alnum", "lower", "alpha", "digits", "hex"),
      fc.integer({ min: 1, max: 255 }),
      fc.integer(),
      (kind, length, seed) => {
        const id = createSessionId(
          parseProxyAddress(`u-{session:${kind}${length}}:p@a.test:1`),
          seededRandom(seed),
        );

        assert.equal(id.length, length);
        assert.match(id, alphabets[kind]);
      },
    ),
  );
});

test("createSessionId returns eight letters and digits for a placeholder without a format", () => {
  assert.match(
    createSessionId(parseProxyAddress("u:{session}@a.test:1"), seededRandom(1)),
    /^[A-Za-z\d]{8}$/,
  );
});

test("sessionLimits are a tenth shorter than the limits of the vendor", () => {
  assert.deepEqual(sessionLimits({ ttl: "10m", idle: "60s" }), { ttl: 540_000, idle: 54_000 });
  assert.deepEqual(sessionLimits(), { ttl: 540_000, idle: Infinity });
});
