import type { TtfbSample } from "./host-pace.ts";

/** When a request was sent, and when what it says was known. In epoch ms. */
export interface Timed {
  readonly now: number;
  /** When the request was sent. */
  readonly sentAt: number;
}

/** Something that happened at a host. */
export type HostInput =
  | { readonly type: "started"; readonly now: number }
  /** A response with a status below 400. */
  | ({ readonly type: "served" } & Timed & TtfbSample)
  /** Another response that says nothing about the host, such as a 404. */
  | ({ readonly type: "responded" } & Timed)
  /** A response with status 401 or 403. */
  | ({ readonly type: "refused" } & Timed)
  /** A response of 500 or above. */
  | ({ readonly type: "failed"; readonly path: string } & Timed)
  /** A 429, or another response that asks to wait. `delay` (ms) is 0 where the server names none. */
  | ({
      readonly type: "throttled";
      readonly delay: number;
      readonly source: string;
      /** Whether the status says that the server failed (503), and not that too much was sent. */
      readonly isServerFailure: boolean;
    } & Timed)
  /** No response. `isReached`: a connection was opened. `isLast`: the line has used up its attempts. */
  | ({
      readonly type: "silent";
      readonly line: number;
      readonly reason: string;
      readonly isReached: boolean;
      readonly isLast: boolean;
    } & Timed)
  /** The resolver does not know the name. `othersRespondedAt`: when the latest response of another name was requested. */
  | ({ readonly type: "unknown-name"; readonly line: number; readonly othersRespondedAt: number } & Timed)
  /** The session keeps to a limit that it learnt: nothing was sent, and nothing will be before `until`. */
  | ({ readonly type: "paced"; readonly until: number; readonly source: string } & Timed)
  /** The request ended without evidence: nothing was sent, or the fault was on this side. */
  | ({ readonly type: "nothing" } & Timed);
