import { get, request } from "node:http";
import { text } from "node:stream/consumers";

const [url] = process.argv.slice(2);

async function finish(call) {
  const { promise, resolve, reject } = Promise.withResolvers();
  call.on("error", reject).on("response", resolve);
  const response = await promise;
  return [response.statusCode, await text(response)];
}

const got = await finish(get(`${url}/get`));
const call = request(new URL(`${url}/put`), { method: "PUT" });
call.setHeader("Content-Length", 7);
call.end("payload");
console.log(JSON.stringify([...got, ...(await finish(call))]));
