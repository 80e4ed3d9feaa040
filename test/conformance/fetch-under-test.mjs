// The fetch that `npm run conformance:fetch` tests: the built one, with retries and rate limits off unless HOLDFAST_RETRIES is set.
import { createFetch } from "../../packages/http/dist/index.js";

const retries = process.env.HOLDFAST_RETRIES;
const off = { retry: 0, pacing: false };

// oxlint-disable-next-line import/no-default-export -- the harness reads it
export default createFetch({
  trustEnvironment: false,
  ...(retries === undefined ? off : { retry: Number(retries) }),
});
