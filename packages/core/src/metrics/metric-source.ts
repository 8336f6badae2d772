import { tokenList } from '../plugin/index.ts';

/** Something whose numbers are told to whoever scrapes them. */
export interface MetricSource {
  /** In Prometheus' text exposition format, version 0.0.4; asked for at each scrape. */
  text(): string | Promise<string>;
}

/** All that stands in `/metrics`, in order; any plugin may add to it. */
export const MetricSources = tokenList<MetricSource>('MetricSources');

/** Of answers in that format. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';
