import { Agent, fetch, setGlobalDispatcher } from "undici8";

const [url] = process.argv.slice(2);
setGlobalDispatcher(new Agent());
const response = await fetch(`${url}/get`);
console.log(JSON.stringify([response.status]));
