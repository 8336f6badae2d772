export type {
  ApiRequest,
  CallOptions,
  JsonPatch,
  NewObject,
  ObjectList,
  Patch,
  PatchType,
  RequestOptions,
  Transport,
  Verb,
  WatchEvent,
} from './contract.ts';
export { Client, Clients } from './contract.ts';
export { createClient } from './create-client.ts';
