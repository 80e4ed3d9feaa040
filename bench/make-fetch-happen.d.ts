declare module "make-fetch-happen" {
  interface Options {
    readonly maxSockets?: number;
    readonly retry?: { readonly retries: number };
  }
  type Fetch = (url: string) => Promise<Response>;
  const makeFetchHappen: Fetch & { defaults(options: Options): Fetch };
  export default makeFetchHappen;
}
