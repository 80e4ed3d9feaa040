import type { Clock } from "@holdfast/policy";
import type { RunEvent } from "@holdfast/runner";
import type { InterruptStage } from "../process/interrupts.ts";
import type { Output } from "../process/io.ts";
import type { Styler } from "./style.ts";
import { foldProgress, startProgress } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { formatProgressLine } from "./progress-line.ts";
import { formatEvent, formatProgressLog } from "./progress-log.ts";

/** How progress is shown: one line drawn over and over, log lines, or not at all. */
export type ProgressMode = "bar" | "plain" | "none";

/** Shows a run while it goes on. */
export interface ProgressMeter {
  onEvent(event: RunEvent): void;
  onInterrupt(stage: InterruptStage): void;
  /** Writes a line that stays. */
  print(text: string): void;
  /** Takes the drawn line away and ends; call it before anything else is written. */
  stop(): Promise<void>;
}

/** What a meter needs. */
export interface ProgressMeterOptions {
  readonly mode: ProgressMode;
  readonly output: Output;
  readonly clock: Clock;
  readonly style: Styler;
  /** What the run holds from before. @default nothing */
  readonly totals?: Progress["totals"] | undefined;
}

const redrawEvery = 100;
const logEvery = 10_000;
const usualColumns = 80;
const clearLine = "\r\u001b[K";

/** Starts to show a run on `output`: a bar redrawn ten times a second at most, or a log line every ten seconds. */
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
    // The last column stays free: writing it makes some terminals wrap. A terminal of 0 columns has not said its width.
    const line = formatProgressLine(progress, (output.columns || usualColumns) - 1, style);
    if (line !== drawn) output.write(`${clearLine}${line}`);
    drawn = line;
  };
  const loop = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(mode === "bar" ? redrawEvery : logEvery, ended.signal).catch(() => undefined);
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
