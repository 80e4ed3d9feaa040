import { describe } from "node:test";
import { crashing } from "./crashing.ts";
import { handingOut, handingOutLater } from "./handing-out.ts";
import { modelled } from "./modelled.ts";
import { planning, planningAgain } from "./planning.ts";
import { reading, readingAgain, readingAndHandingOut, readingEdited, readingSeveral } from "./reading.ts";
import { recording, recordingAgain, reporting } from "./recording.ts";
import type { Open } from "./support.ts";

const chapters: Readonly<Record<string, (open: Open) => void>> = {
  "planning a list": planning,
  "planning a list again": planningAgain,
  "reading a file": reading,
  "reading a file again": readingAgain,
  "reading edited files": readingEdited,
  "reading a file and handing out": readingAndHandingOut,
  "reading several files": readingSeveral,
  "handing out": handingOut,
  "handing out later": handingOutLater,
  recording,
  "recording again": recordingAgain,
  reporting,
  "after a crash": crashing,
  "over its life": modelled,
};

/** The tests that every ledger implementation must pass. */
export function ledgerContract(name: string, open: Open): void {
  for (const [chapter, tests] of Object.entries(chapters))
    describe(`${name} ledger, ${chapter}`, () => tests(open));
}
