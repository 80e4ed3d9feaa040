import type { HttpResponse } from "../model/response.ts";
import type { ResponsePromise } from "./response-promise.ts";
import type { RequestOptions, StreamRequestOptions } from "../call/options.ts";
import type { StreamedResponse } from "../model/streamed-response.ts";

/** The methods of HTTP by their names, for whoever can make a request. */
export abstract class Verbs {
  abstract request(
    method: string,
    url: string | URL,
    options: StreamRequestOptions,
  ): Promise<StreamedResponse>;
  abstract request(method: string, url: string | URL, options?: RequestOptions): ResponsePromise;
  abstract request(method: string, url: string | URL, options?: RequestOptions): Promise<HttpResponse>;

  get(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  get(url: string | URL, options?: RequestOptions): ResponsePromise;
  get(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("GET", url, options);
  }

  head(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  head(url: string | URL, options?: RequestOptions): ResponsePromise;
  head(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("HEAD", url, options);
  }

  options(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  options(url: string | URL, options?: RequestOptions): ResponsePromise;
  options(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("OPTIONS", url, options);
  }

  post(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  post(url: string | URL, options?: RequestOptions): ResponsePromise;
  post(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("POST", url, options);
  }

  put(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  put(url: string | URL, options?: RequestOptions): ResponsePromise;
  put(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PUT", url, options);
  }

  patch(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  patch(url: string | URL, options?: RequestOptions): ResponsePromise;
  patch(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("PATCH", url, options);
  }

  delete(url: string | URL, options: StreamRequestOptions): Promise<StreamedResponse>;
  delete(url: string | URL, options?: RequestOptions): ResponsePromise;
  delete(url: string | URL, options?: RequestOptions): Promise<HttpResponse> {
    return this.request("DELETE", url, options);
  }
}
