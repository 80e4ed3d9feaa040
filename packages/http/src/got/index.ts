export { attach, type GotInstance } from "./attach.ts";
