export { attach, type AxiosInstance, type AxiosInterceptors } from "./attach.ts";
