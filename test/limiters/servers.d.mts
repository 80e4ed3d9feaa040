import type { Server } from "node:http";

interface Allowance {
  readonly limit: number;
  readonly window: number;
}

export const limiters: Readonly<Record<string, (allowance: Allowance) => Promise<Server>>>;
