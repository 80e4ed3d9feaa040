// Runs programs in this process, one after another, and prints the line of each. Arguments: a URL and a file for each program.
const { log } = console;
const rest = process.argv.slice(2);
while (rest.length > 0) {
  const [url, file] = rest.splice(0, 2);
  process.argv.splice(2, Infinity, url);
  const { promise, resolve, reject } = Promise.withResolvers();
  console.log = resolve;
  void import(file).then(undefined, reject);
  log(await promise);
}
