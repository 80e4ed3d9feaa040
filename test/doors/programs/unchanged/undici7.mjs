import { request } from "undici7";

const [url] = process.argv.slice(2);
const got = await request(`${url}/get`);
const put = await request(`${url}/put`, { method: "PUT", body: "payload" });
console.log(JSON.stringify([got.statusCode, await got.body.text(), put.statusCode, await put.body.text()]));
