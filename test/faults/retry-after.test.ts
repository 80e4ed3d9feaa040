import assert from "node:assert/strict";
import { redirect, respond, type HeaderInput, type Responder } from "@holdfast/http/testing";
import { faultOrigin, test } from "./protocol.ts";
import { bounded, outcomeOf, scenarios, sessionFor, type Scenario } from "./scenario.ts";

const patient = respond(200, { body: "thank you for waiting\n" });
const came = { status: 200, body: "thank you for waiting\n", attempts: 2 } as const;
const second = [{ min: 1_000, max: 2_500 }];

function later(status: number, headers: HeaderInput): Pick<Scenario, "origin"> {
  return { origin: { routes: { "/": [respond(status, { headers }), patient] } } };
}

scenarios({
  "retry-after.seconds-429": { ...later(429, { "retry-after": 1 }), expect: { ...came, gaps: second } },
  "retry-after.seconds-503": { ...later(503, { "retry-after": 1 }), expect: { ...came, gaps: second } },
  "retry-after.date-past": {
    ...later(503, { "retry-after": "Fri, 31 Dec 1999 23:59:59 GMT" }),
    expect: { ...came, elapsed: { max: 1_000 } },
  },
  "retry-after.negative": {
    ...later(503, { "retry-after": "-5" }),
    expect: { ...came, elapsed: { max: 1_000 } },
  },
  "retry-after.fractional": {
    ...later(503, { "retry-after": "0.4" }),
    expect: { ...came, elapsed: { max: 2_500 } },
  },
  "retry-after: an invalid value is ignored, and the call retries": {
    ...later(503, { "retry-after": "soon" }),
    expect: { ...came, elapsed: { max: 1_000 } },
  },
  "retry-after.overflow": {
    ...later(503, { "retry-after": "9".repeat(20) }),
    timeout: { total: 1_500 },
    expect: { outcome: "either", status: 503, attempts: 1, elapsed: { max: 1_900 } },
  },
  "retry-after.over-deadline-bounded": {
    ...later(503, { "retry-after": 60 }),
    timeout: { total: 1_000 },
    // A call does not start a wait that exceeds its deadline.
    expect: { outcome: "either", status: 503, attempts: 1, elapsed: { max: 500 } },
  },
  "retry-after.on-302": {
    origin: {
      routes: { "/": redirect("/there", 302, { headers: { "retry-after": 1 } }), "/there": patient },
    },
    expect: { ...came, elapsed: { min: 1_000, max: 2_500 } },
  },
  "retry-after.on-413": {
    ...later(413, { "retry-after": 1 }),
    retry: { statusForcelist: [413] },
    expect: { ...came, gaps: second },
  },
  "retry-after.two-lines": {
    ...later(503, { "retry-after": ["1", "2"] }),
    expect: { ...came, gaps: [{ min: 1_000, max: 3_000 }] },
  },
});

/** The three date forms that RFC 9110 §5.6.7 requires every recipient to accept. */
const forms: Readonly<Record<string, (date: Date) => string>> = {
  "date-imf": (date) => date.toUTCString(),
  "date-rfc850": (date) => {
    const [day = "", number, month, year = "", time] = date.toUTCString().replace(",", "").split(" ");
    const names: Record<string, string> = {
      Sun: "Sunday",
      Mon: "Monday",
      Tue: "Tuesday",
      Wed: "Wednesday",
      Thu: "Thursday",
      Fri: "Friday",
      Sat: "Saturday",
    };
    return `${names[day]}, ${number}-${month}-${year.slice(2)} ${time} GMT`;
  },
  "date-asctime": (date) => {
    const [day, number = "", month, year, time] = date.toUTCString().replace(",", "").split(" ");
    return `${day} ${month} ${number.replace(/^0/, " ")} ${time} ${year}`;
  },
};

for (const [name, form] of Object.entries(forms)) {
  test(`retry-after.${name}: the retry is not sent before the stated time`, async () => {
    let stated = 0;
    let came = 0;
    const answer: Responder = ({ attempt }) => {
      if (attempt > 1) {
        came = Date.now();
        return patient;
      }
      stated = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
      return respond(503, { headers: { "retry-after": form(new Date(stated)) } });
    };
    await using origin = await faultOrigin({ routes: { "/": answer } });
    await using session = await sessionFor();

    const { response } = await outcomeOf(session.get(`${origin.url}/`));

    assert.equal(response?.status, 200);
    bounded("after the stated time", came - stated, { min: 0, max: 1_500 });
  });
}

test("retry-after.minimum-under-jitter: none of 20 concurrent calls is early", async () => {
  const answer: Responder = ({ headers, attempt: _ }) => {
    const tries = (seen.get(headers["x-call"] ?? "") ?? 0) + 1;
    seen.set(headers["x-call"] ?? "", tries);
    return tries === 1 ? respond(429, { headers: { "retry-after": 1 } }) : patient;
  };
  const seen = new Map<string, number>();
  await using origin = await faultOrigin({ routes: { "/": answer } });
  await using session = await sessionFor({ retry: { backoffJitter: "200ms" } });

  await Promise.all(
    Array.from({ length: 20 }, (_, call) =>
      session.get(`${origin.url}/`, { headers: { "x-call": String(call) } }),
    ),
  );

  for (const [call] of seen) {
    const [first, again] = origin.requests.filter(({ headers }) => headers["x-call"] === call);
    bounded(`gap of call ${call}`, (again?.startedAt ?? 0) - (first?.startedAt ?? 0), {
      min: 1_000,
      max: 2_500,
    });
  }
});
