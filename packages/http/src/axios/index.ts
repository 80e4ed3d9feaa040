export { attach, type AxiosInstance } from "./attach.ts";
