/** The text of `holdfast --help`. */
export const programHelp = `Fetch URLs over unreliable networks: with retries, resumable runs and proxies

Usage
  holdfast run urls.txt -o results   fetch a list of URLs, store each result
  holdfast status results            show the progress or the report of a run
  holdfast export results            write the results as JSON lines or files
  holdfast compact results           free the space of replaced bodies
  holdfast get URL                   fetch one URL
  holdfast proxies check FILE        test each proxy of a list
  holdfast <command> --help          show all options and examples of a command

Options
  -h, --help       show this help
  -V, --version    show the version

To continue a run after Ctrl-C, a crash or kill -9, repeat its command.
To use proxies, add --proxies FILE or --proxy PROXY to run or get.

Exit codes
  0  all done                      7    the run directory cannot be used
  1  internal error                8    no proxy left
  2  invalid command line          130  interrupted, requests in flight finished
  3  some failed permanently       131  interrupted twice, stopped immediately
  4  some failed or wait, and a
     retry may succeed

Environment
  NO_COLOR=1         disable colors
  HOLDFAST_DEBUG=1   show the stack and the causes of an error
`;
