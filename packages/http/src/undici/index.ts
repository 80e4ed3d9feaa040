export {
  dispatcher,
  type DispatcherCallback,
  type HoldfastDispatcher,
  type Interceptor,
} from "./dispatcher.ts";
export type {
  Dispatch,
  DispatchController,
  DispatchHandler,
  DispatchHeaders,
  DispatchOptions,
  LegacyHandler,
  ModernHandler,
  ReceivedHeaders,
} from "../dispatch/contract.ts";
export { interceptor, type InterceptorOptions } from "./interceptor.ts";
export { setGlobalDispatcher } from "./global-dispatcher.ts";
