export type { ClientConfig, ExecConfig } from './client-config.ts';
export { ConnectionError } from './connection-error.ts';
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
export type { IssuedToken, IssueToken } from './credentials.ts';
export { hintFor } from './hint-for.ts';
export { type HttpMessage, parseAnswer, toHttpMessage, toStatusError } from './http-message.ts';
export { type HttpTransport, type HttpTransportOptions, httpTransport, type ObservedAnswer } from './http-transport.ts';
export { jsonLines } from './json-lines.ts';
export { type LoadKubeconfigOptions, loadKubeconfig } from './load-kubeconfig.ts';
export { type ClientCall, type ClientHook, wrapClient } from './wrap-client.ts';
