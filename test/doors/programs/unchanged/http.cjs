const { get, request } = require("node:http");

const [url] = process.argv.slice(2);

function finish(call) {
  return new Promise((resolve, reject) => {
    call.on("error", reject).on("response", (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (piece) => (text += piece))
        .on("end", () => resolve([response.statusCode, text]))
        .on("error", reject);
    });
  });
}

async function main() {
  const got = await finish(get(`${url}/get`));
  const call = request(`${url}/put`, { method: "PUT", headers: { "Content-Length": 7 } });
  call.end("payload");
  console.log(JSON.stringify([...got, ...(await finish(call))]));
}

void main();
