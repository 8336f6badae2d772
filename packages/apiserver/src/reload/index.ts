export { configurationProblem, parseConfiguration } from './configuration-file.ts';
export { ReloadMetrics } from './reload-metrics.ts';
export { type ReloadObserver, WatchedFile, type WatchedFileOptions } from './watched-file.ts';
