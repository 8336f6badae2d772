export { Clients } from '@keelson/core';
export {
  anonymous,
  ServiceAccountTokens,
  type TokenAuthenticator,
  type TokenIssuer,
  type TokenSpec,
} from './authentication/index.ts';
export { forbidden, RbacAuthorizer } from './authorization/index.ts';
export {
  type KeyPair,
  type KubeconfigOptions,
  kubeconfigYaml,
  openPki,
  Pki,
  type PkiOptions,
  type RequestedIdentity,
  readRequest,
  type SigningOptions,
  type Subject,
  writeKubeconfig,
} from './pki/index.ts';
export { apiServerPlugin } from './plugin.ts';
export type {
  ApiAnswer,
  AuthorizationDecision,
  AuthorizationRequest,
  Authorizer,
  EncodedObject,
  EncodedWatchEvent,
  ListAnswer,
  PrinterColumn,
  ResourceCatalog,
  Schema,
  ServedResource,
  ServedSubresource,
  UserInfo,
} from './registry/contract.ts';
export {
  type InProcessTransportOptions,
  inProcessTransport,
  ResourceRegistry,
  type ResourceRegistryOptions,
} from './registry/index.ts';
export {
  ApiHandler,
  ApiServer,
  type ApiServerOptions,
  type ApiServerParts,
  apiServerUser,
  type ComposeOptions,
  composeApiServer,
  HttpApiServer,
  type Listening,
  type ListenOptions,
  Storage,
  startTestApiServer,
  startTestCluster,
  type TestApiServer,
  type TestApiServerOptions,
  type TestCluster,
  type TestClusterOptions,
} from './server/index.ts';
export {
  CompactedError,
  FutureRevisionError,
  KeyExistsError,
  LogStorage,
  type LogStorageOptions,
  MemoryStorage,
  openLogStorage,
  type Revision,
  RevisionMismatchError,
  SlowWatcherError,
  StorageError,
  type StorageEvent,
  StorageOpenError,
  type StoredEntry,
} from './storage/index.ts';
