export {
  HistogramSeries,
  type IsServed,
  type LabelValues,
  type MetricDescription,
  NumberSeries,
  secondsBuckets,
} from './metric-series.ts';
export { type MetricSource, MetricSources, metricsContentType } from './metric-source.ts';
export { ProcessMetrics } from './process-metrics.ts';
