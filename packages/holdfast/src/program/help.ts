/** What `holdfast --help` prints. */
export const programHelp = `holdfast: HTTP that doesn't give up too early, and knows when to

Usage
  holdfast run urls.txt -o results   fetch a list of URLs, keep every result
  holdfast status results            how far a run is, while it goes on or after
  holdfast export results            the results as JSON lines or as files
  holdfast get URL                   one request, with the same retries
  holdfast proxies check FILE        which proxies of a list work, and why not
  holdfast <command> --help          all options and examples of a command

Options
  -h, --help       show this
  -V, --version    show the version

An interrupted run (Ctrl-C, a crash, kill -9) goes on where it was when the same
command is given again.

run and get go through proxies where --proxies FILE or --proxy names some.

Exit status
  0  all done                      7    the run's directory cannot be used
  1  internal error                8    no proxy is left
  2  command line not understood   130  interrupted, finished what was in flight
  3  some failed for good          131  interrupted twice, stopped at once
  4  some failed or wait, and a
     retry might fix them

Environment
  NO_COLOR=1         no colours
  HOLDFAST_DEBUG=1   the whole story of an error: stack and causes
`;
