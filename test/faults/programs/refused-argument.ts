import { Session } from "@holdfast/http";

// A request that is refused for its header, on a session that nobody closes: the program must end all the same.
const session = new Session();
await session.get(process.argv[2] ?? "", { headers: { x: "\u2603" } }).catch((error: unknown) => {
  console.log(error instanceof TypeError ? "refused" : "something else");
});
