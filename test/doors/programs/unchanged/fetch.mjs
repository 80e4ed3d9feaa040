const [url] = process.argv.slice(2);
const got = await fetch(`${url}/get`);
const put = await fetch(`${url}/put`, { method: "PUT", body: "payload" });
console.log(JSON.stringify([got.status, await got.text(), put.status, await put.text()]));
