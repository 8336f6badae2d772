export { apiServerUser } from '../registry/api-server-user.ts';
export { ApiServer, type ApiServerOptions, HttpApiServer, type Listening, type ListenOptions } from './api-server.ts';
export { AuthorizationPluginOptions } from './api-server-options.ts';
export { AuthenticationPluginOptions } from './authentication-options.ts';
export { type ApiServerParts, type ComposeOptions, composeApiServer } from './compose.ts';
export {
  startTestApiServer,
  type TestApiServer,
  type TestApiServerForkOptions,
  type TestApiServerOptions,
} from './start-test-api-server.ts';
export {
  type TestCluster,
  type TestClusterForkOptions,
  type TestClusterOptions,
  testCluster,
  testCluster as startTestCluster,
} from './test-cluster.ts';
export { ApiHandler, Storage } from './tokens.ts';
