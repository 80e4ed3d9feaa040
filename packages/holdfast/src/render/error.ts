import { inspect } from "node:util";
import { HoldfastError } from "@holdfast/policy";
import { UsageError } from "../process/usage-error.ts";
import { formatAdvice } from "./advice.ts";
import type { Styler } from "./style.ts";
import { printable } from "../process/printable.ts";

/** How an error is to be told. */
export interface ErrorRendering {
  /** The command that failed, when there is one. */
  readonly command: string | undefined;
  /** Adds the stack and the causes. */
  readonly debug: boolean;
  readonly style: Styler;
}

/** Tells what failed and what to do about it, without a stack unless `debug` asks for it; ends in a newline. */
export function renderError(error: unknown, { command, debug, style }: ErrorRendering): string {
  const name = command === undefined ? "holdfast" : `holdfast ${command}`;
  const lines = [`${style("red", `${name}:`)} ${messageOf(error)}`];
  const advice = adviceOf(error, name);
  if (advice !== undefined) lines.push(`  ${advice}`);
  if (debug) lines.push(inspect(error, { depth: 6 }));
  return `${lines.join("\n")}\n`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `internal error: ${printable(String(error), 500)}`;
  const message = printable(error.message === "" ? error.name : error.message, 500);
  return isExpected(error) ? message : `internal error: ${error.name}: ${message}`;
}

function adviceOf(error: unknown, name: string): string | undefined {
  if (error instanceof UsageError) return `See ${name} --help`;
  if (error instanceof HoldfastError) return verdictAdvice(error);
  return error instanceof Error && isExpected(error) ? undefined : "HOLDFAST_DEBUG=1 shows where it happened";
}

function verdictAdvice(error: object): string | undefined {
  const verdict = "verdict" in error ? error.verdict : undefined;
  const advice =
    typeof verdict === "object" && verdict !== null && "advice" in verdict ? verdict.advice : undefined;
  return typeof advice === "string" && advice !== "" ? formatAdvice(advice) : undefined;
}

// What the operating system refuses (a full disk, a missing right) is told by its own message, as it is not our bug.
function isExpected(error: Error): boolean {
  return error instanceof UsageError || error instanceof HoldfastError || "syscall" in error;
}
