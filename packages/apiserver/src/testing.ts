/** For tests of operators and other plugins: a real API server in the test's own process. */
export { type Recording, readRecording } from '@keelson/core/recording';
export { FakeClock, type WaitForOptions, waitFor } from '@keelson/core/testing';
export {
  startTestApiServer,
  type TestApiServer,
  type TestApiServerForkOptions,
  type TestApiServerOptions,
  type TestCluster,
  type TestClusterForkOptions,
  type TestClusterOptions,
  testCluster,
} from './server/index.ts';
export * from './simulation/index.ts';
