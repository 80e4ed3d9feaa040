import type { Clock } from "@holdfast/policy";
import type { RunEvent } from "@holdfast/runner";
import type { InterruptStage } from "../process/interrupts.ts";
import type { Output } from "../process/io.ts";
import type { Styler } from "./style.ts";
import { foldProgress, startProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatProgressLine } from "./progress-line.ts";
import { formatEvent, formatProgressLog } from "./progress-log.ts";

/** How to show the progress: one line that is redrawn, log lines, or nothing. */
export type ProgressMode = "bar" | "plain" | "none";

/** Shows the progress of a run. */
export interface ProgressMeter {
  onEvent(event: RunEvent): void;
  onInterrupt(stage: InterruptStage): void;
  /** Writes a permanent line. */
  print(text: string): void;
  /** Removes the progress line and stops. Call it before any other output. */
  stop(): Promise<void>;
}

/** The parameters of `startMeter`. */
export interface ProgressMeterOptions {
  readonly mode: ProgressMode;
  readonly output: Output;
  readonly clock: Clock;
  readonly style: Styler;
  /** The counts of a run that is continued. @default all 0 */
  readonly totals?: Progress["totals"] | undefined;
}

const redrawInterval = 100;
const logInterval = 10_000;
const defaultColumns = 80;
const clearLine = "\r\u001b[K";

/** Starts to show the progress of a run: a bar redrawn at most ten times a second, or a log line every ten seconds. */
export function startMeter({ mode, output, clock, style, totals }: ProgressMeterOptions): ProgressMeter {
  const ended = new AbortController();
  let progress = startProgress(clock.now(), clock.date(), totals);
  let drawn = "";

  const say = (text: string): void => {
    output.write(drawn === "" ? `${text}\n` : `${clearLine}${text}\n`);
    drawn = "";
  };
  const tick = (): void => {
    progress = foldProgress(progress, { type: "tick", now: clock.now(), date: clock.date() });
  };
  const draw = (): void => {
    // Some terminals wrap after the last column. A terminal of unknown width reports 0 columns.
    const line = formatProgressLine(progress, (output.columns || defaultColumns) - 1, style);
    if (line !== drawn) output.write(`${clearLine}${line}`);
    drawn = line;
  };
  const loop = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(mode === "bar" ? redrawInterval : logInterval, ended.signal).catch(() => undefined);
      if (ended.signal.aborted) return;
      tick();
      if (mode === "bar") draw();
      else say(formatProgressLog(progress));
    }
  };
  const running = mode === "none" ? Promise.resolve() : loop();

  return {
    print: say,
    onInterrupt: (stage) => {
      progress = foldProgress(progress, { type: "interrupted", stage });
    },
    onEvent: (event) => {
      if (mode === "none") return;
      tick();
      const text = mode === "plain" ? formatEvent(progress, event) : undefined;
      if (text !== undefined) say(text);
      progress = foldProgress(progress, event);
    },
    stop: async () => {
      ended.abort();
      await running;
      if (drawn !== "") output.write(clearLine);
      drawn = "";
    },
  };
}
