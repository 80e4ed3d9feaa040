import { Session } from "@holdfast/http";
import { protocolOptions } from "./protocol-options.ts";

// A request that is rejected for its header, on a session that is never closed: the program must still end.
const session = new Session(protocolOptions);
await session.get(process.argv[2] ?? "", { headers: { x: "\u2603" } }).catch((error: unknown) => {
  console.log(error instanceof TypeError ? "refused" : "something else");
});
