const axios = require("axios");

const [url] = process.argv.slice(2);
async function main() {
  const got = await axios.get(`${url}/get`);
  const put = await axios.put(`${url}/put`, "payload");
  console.log(JSON.stringify([got.status, got.data, put.status, put.data]));
}

void main();
