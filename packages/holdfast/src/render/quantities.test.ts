import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatCount, formatMany, formatRate, formatSeconds, formatTime } from "./quantities.ts";

test("formatCount and formatMany write a comma between thousands and the right plural", () => {
  const rows = [
    [0, "0", "0 lines"],
    [1, "1", "1 line"],
    [999, "999", "999 lines"],
    [1_000, "1,000", "1,000 lines"],
    [12_345_678, "12,345,678", "12,345,678 lines"],
  ] as const;

  for (const [count, alone, many] of rows) {
    assert.equal(formatCount(count), alone);
    assert.equal(formatMany(count, "line"), many);
  }
});

test("formatBytes writes at most two significant digits below 10, in powers of 1000", () => {
  const rows = [
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [1_234, "1.2 kB"],
    [9_949, "9.9 kB"],
    [9_951, "10 kB"],
    [34_000_000, "34 MB"],
    [5.6e9, "5.6 GB"],
    [7e12, "7.0 TB"],
    [7e16, "70000 TB"],
  ] as const;

  for (const [bytes, text] of rows) assert.equal(formatBytes(bytes), text);
});

test("formatTime writes at most two units and never 60 of one", () => {
  const rows = [
    [0, "0 ms"],
    [340.4, "340 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [12_345, "12.3 s"],
    [59_949, "59.9 s"],
    [59_960, "1 min 0 s"],
    [245_000, "4 min 5 s"],
    [3_599_400, "59 min 59 s"],
    [3_599_600, "1 h 0 min"],
    [7_380_000, "2 h 3 min"],
    [273_600_000, "3 d 4 h"],
  ] as const;

  for (const [ms, text] of rows) assert.equal(formatTime(ms), text);
});

test("formatSeconds rounds up to whole seconds", () => {
  const rows = [
    [0, "0 s"],
    [1, "1 s"],
    [59_000, "59 s"],
    [59_001, "1 min 0 s"],
    [7_380_000, "2 h 3 min"],
  ] as const;

  for (const [ms, text] of rows) assert.equal(formatSeconds(ms), text);
});

test("formatRate writes fewer decimals for larger rates", () => {
  const rows = [
    [0, "0.00/s"],
    [0.254, "0.25/s"],
    [3.44, "3.4/s"],
    [9.96, "10/s"],
    [120.4, "120/s"],
    [12_345, "12,345/s"],
  ] as const;

  for (const [rate, text] of rows) assert.equal(formatRate(rate), text);
});
