import axios from "axios";

const [url] = process.argv.slice(2);
const got = await axios.get(`${url}/get`);
const put = await axios.put(`${url}/put`, "payload");
console.log(JSON.stringify([got.status, got.data, put.status, put.data]));
