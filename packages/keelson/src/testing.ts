/** For tests of operators and other plugins: a real API server in the test's own process. */
export * from '@keelson/apiserver/testing';
