import got from "got";

const [url] = process.argv.slice(2);
const client = got.extend({ retry: { limit: 0 } });
const first = await client(`${url}/get`);
const put = await client.put(`${url}/put`, { body: "payload" });
console.log(JSON.stringify([first.statusCode, first.body, put.statusCode, put.body]));
