import assert from "node:assert/strict";
import { test } from "node:test";
import { toBodySource } from "../../model/body-source.ts";
import { HttpResponse } from "../../model/response.ts";
import { StreamedResponse } from "../../model/streamed-response.ts";
import { judge } from "../judge.ts";
import { toReply } from "./reply.ts";

const head = { status: 429, statusText: "", url: "https://a.test/" };
const json = { "content-type": "application/problem+json; charset=utf-8" };

function bodyOf(text: string, headers: Readonly<Record<string, string>> = json): unknown {
  const content = new TextEncoder().encode(text);
  return toReply(judge(new HttpResponse({ ...head, headers, content })), 0).body?.();
}

test("a JSON body is parsed", () => {
  assert.deepEqual(bodyOf(`{"a":1}`), { a: 1 });
});

function textOf(text: string, type: string): string | undefined {
  const content = new TextEncoder().encode(text);
  return toReply(
    judge(new HttpResponse({ ...head, headers: { "content-type": type }, content })),
    0,
  ).text?.();
}

test("a small XML or JSON body is readable as text", () => {
  assert.equal(textOf("<a/>", "text/xml; charset=utf-8"), "<a/>");
  assert.equal(textOf("<a/>", "application/problem+xml"), "<a/>");
  assert.equal(textOf("{", "application/json"), "{");
  assert.equal(textOf("<a/>", "text/html"), "");
  assert.equal(textOf("x".repeat(65_537), "text/xml"), "");
});

test("a body of another type is not read", () => {
  assert.equal(bodyOf("{"), undefined);
  assert.equal(bodyOf(""), undefined);
  assert.equal(bodyOf("Service Unavailable"), undefined);
  assert.equal(bodyOf("{}", { "content-type": "text/html" }), undefined);
  assert.equal(bodyOf("{}", {}), undefined);
});

test("a large body is not parsed", () => {
  assert.equal(bodyOf(`"${"x".repeat(65_534)}"`), "x".repeat(65_534));
  assert.equal(bodyOf(`"${"x".repeat(65_535)}"`), undefined);
});

test("a body is parsed once", () => {
  const { body } = toReply(
    judge(new HttpResponse({ ...head, headers: json, content: new TextEncoder().encode("{}") })),
    0,
  );

  assert.equal(body?.(), body?.());
});

test("a streamed body is not read", async () => {
  const body = toBodySource(new TextEncoder().encode("{}"));
  const response = new StreamedResponse({ ...head, headers: json, body });

  assert.equal(toReply(judge(response), 0).body?.(), undefined);
  assert.equal(await response.text(), "{}");
});
