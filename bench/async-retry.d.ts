declare module "async-retry" {
  interface Options {
    readonly retries?: number;
    readonly minTimeout?: number;
    readonly factor?: number;
    readonly randomize?: boolean;
  }
  export default function retry<T>(task: () => Promise<T>, options?: Options): Promise<T>;
}
