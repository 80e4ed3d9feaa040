import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { faultOrigin, socksProxy } from "@holdfast/http/testing";
import { failureModes, stage, type FailureMode } from "./failure-modes.ts";
import { outcomeOf, sessionFor, type Result } from "./scenario.ts";

const page = new URL("../../docs/explanation/failure-modes.md", import.meta.url);
const columns = ["Event", "Result", "Verdict", "May have arrived", "GET again", "POST again"];

// Short, because some rows wait for it, and long enough for a busy machine.
const limitMs = 800;
// More concurrent rows would disturb each other's timing.
const atOnce = 4;

const tablePattern = /^\|.*(?:\n\|.*)*/m;

/** `HOLDFAST_UPDATE=1 node --conditions=source --test test/faults/failure-modes.test.ts` rewrites the tables. */
const update = process.env["HOLDFAST_UPDATE"] === "1";

for (const [area, modes] of Object.entries(failureModes)) {
  test(`docs/explanation/failure-modes.md matches the outcomes: ${area}`, async () => {
    const rows: (readonly string[])[] = [];
    const all = Object.entries(modes);
    for (let at = 0; at < all.length; at += atOnce) {
      const some = all.slice(at, at + atOnce);
      rows.push(...(await Promise.all(some.map(async ([name, mode]) => rowOf(name, await observed(mode))))));
    }
    const table = [columns, columns.map(() => "---"), ...rows]
      .map((cells) => `| ${cells.join(" | ")} |`)
      .join("\n");

    const text = readFileSync(page, "utf8");
    const [before, section, after] = sectionOf(text, area);
    if (update) writeFileSync(page, before + section.replace(tablePattern, () => table) + after);
    else assert.equal(tablePattern.exec(section)?.[0], table);
  });
}

function sectionOf(text: string, heading: string): readonly [string, string, string] {
  const start = text.indexOf(`\n## ${heading}\n`);
  assert.notEqual(start, -1, `the page has no section "${heading}"`);
  const next = text.indexOf("\n## ", start + 1);
  const end = next === -1 ? text.length : next;
  return [text.slice(0, start), text.slice(start, end), text.slice(end)];
}

interface Observed {
  readonly get: Result;
  readonly post: Result;
}

async function observed(mode: FailureMode): Promise<Observed> {
  const plan = await stage(mode);
  const ask = async (method: string): Promise<Result> => {
    await using origin = await (mode.socks === undefined
      ? faultOrigin(plan.origin)
      : socksProxy({ credentials: { user: "a", password: "b" }, turns: mode.socks }));
    await using session = await sessionFor({
      adapter: plan.adapter,
      retry: { total: 1 },
      timeout: { connect: limitMs, read: limitMs },
    });
    const url =
      mode.url?.(origin.port) ?? `http${mode.tls === undefined ? "" : "s"}://127.0.0.1:${origin.port}/`;
    const proxy = mode.proxy?.(origin.port);
    return await outcomeOf(
      session.request(method, url, {
        ...mode.request,
        ...(proxy !== undefined && { proxy }),
        ...(method === "POST" && { body: "x" }),
      }),
    );
  };
  const [get, post] = await Promise.all([ask("GET"), ask("POST")]);
  return { get, post };
}

function rowOf(name: string, { get, post }: Observed): readonly string[] {
  const { response, error } = post;
  const reason = field(response?.verdict ?? field(error, "verdict"), "reason");
  const arrived = response === undefined ? field(error, "mayHaveArrived") : true;
  return [
    name,
    response === undefined ? `\`${error.name}\` ${codeOf(error)}` : `the response, ${response.status}`,
    typeof reason === "string" ? reason : "–",
    arrived === undefined ? "–" : arrived === true ? "yes" : "no",
    again(get),
    again(post),
  ];
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function again({ response, error }: Result): string {
  const attempts = response?.attempts ?? field(error, "attempts");
  const decisions = Array.isArray(attempts) ? attempts.map((attempt) => field(attempt, "decision")) : [];
  return decisions.includes("retried") ? "yes" : "no";
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
