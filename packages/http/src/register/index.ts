import { install } from "./install.ts";

install(process.env);
