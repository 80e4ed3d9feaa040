import assert from "node:assert/strict";
import { test } from "node:test";
import { ansiStyle, supportsRedraw, plainText, stylerFor } from "./style.ts";

test("styles and redrawing need a terminal, and styles need NO_COLOR to be unset", () => {
  const rows = [
    { surface: { isTTY: true, env: { TERM: "xterm-256color" } }, redraw: true, colour: true },
    { surface: { isTTY: true, env: {} }, redraw: true, colour: true },
    { surface: { isTTY: true, env: { NO_COLOR: "1" } }, redraw: true, colour: false },
    { surface: { isTTY: true, env: { NO_COLOR: "" } }, redraw: true, colour: true },
    { surface: { isTTY: true, env: { TERM: "dumb" } }, redraw: false, colour: false },
    { surface: { isTTY: false, env: { TERM: "xterm" } }, redraw: false, colour: false },
    { surface: { env: {} }, redraw: false, colour: false },
  ];

  for (const { surface, redraw, colour } of rows) {
    assert.equal(supportsRedraw(surface), redraw, JSON.stringify(surface));
    assert.equal(stylerFor(surface), colour ? ansiStyle : plainText, JSON.stringify(surface));
  }
});

test("ansiStyle adds escape sequences, plainText does not", () => {
  assert.equal(ansiStyle("red", "x"), "\u001b[31mx\u001b[39m");
  assert.equal(plainText("red", "x"), "x");
});
