import { inspect } from "node:util";
import { HoldfastError } from "@holdfast/policy";
import { printable, printableLines, redactUrls } from "../process/printable.ts";
import { UsageError } from "../process/usage-error.ts";
import { formatAdvice, nameOptions } from "./advice.ts";
import type { Styler } from "./style.ts";

/** How to render an error. */
export interface ErrorRendering {
  /** The command that failed; undefined for the program itself. */
  readonly command: string | undefined;
  /** Adds the stack and the causes. */
  readonly debug: boolean;
  readonly style: Styler;
}

/** Renders an error as its message and the advice, and the stack with `debug`. Ends with a newline. */
export function renderError(error: unknown, { command, debug, style }: ErrorRendering): string {
  const name = command === undefined ? "holdfast" : `holdfast ${command}`;
  const lines = [`${style("red", `${name}:`)} ${formatErrorMessage(error)}`];
  const advice = chooseAdvice(error, name);
  if (advice !== undefined) lines.push(`  ${advice}`);
  if (debug) lines.push(formatDebug(error));
  return `${lines.join("\n")}\n`;
}

/** Formats a value with its stack and its causes, without secrets and control characters. */
export function formatDebug(value: unknown): string {
  return printableLines(inspect(value, { depth: 6 }));
}

function formatErrorMessage(error: unknown): string {
  if (!(error instanceof Error)) return `internal error: ${printable(String(error), 500)}`;
  const hide = error instanceof UsageError ? redactUrls : undefined;
  const written = error instanceof HoldfastError ? nameOptions(error.message) : error.message;
  const message = printable(written === "" ? error.name : written, 500, hide);
  return isExpected(error) ? message : `internal error: ${error.name}: ${message}`;
}

function chooseAdvice(error: unknown, name: string): string | undefined {
  if (error instanceof UsageError) return `See ${name} --help`;
  if (error instanceof HoldfastError) return findVerdictAdvice(error);
  return error instanceof Error && isExpected(error)
    ? undefined
    : "Set HOLDFAST_DEBUG=1 to see the stack and the causes";
}

function findVerdictAdvice(error: object): string | undefined {
  const verdict = "verdict" in error ? error.verdict : undefined;
  const advice =
    typeof verdict === "object" && verdict !== null && "advice" in verdict ? verdict.advice : undefined;
  return typeof advice === "string" && advice !== "" ? formatAdvice(advice) : undefined;
}

// An error of the operating system, such as a full disk or a missing permission, is not a bug of the program.
function isExpected(error: Error): boolean {
  return error instanceof UsageError || error instanceof HoldfastError || "syscall" in error;
}
