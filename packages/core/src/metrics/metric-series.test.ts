import { describe, expect, it } from 'vitest';
import { HistogramSeries, NumberSeries } from './metric-series.ts';

describe('series of kinds that are gone', () => {
  it('are forgotten, however many come and go', () => {
    const served = new Set<string>(['pods']);
    const isServed = ({ resource }: { readonly resource: string }) => served.has(resource);
    const labels = ['group', 'resource', 'version', 'verb'];
    const counter = new NumberSeries({ type: 'counter', name: 'requests', help: 'Requests.', labels }, isServed);
    const seconds = new HistogramSeries({ name: 'seconds', help: 'Seconds.', labels, buckets: [1] }, isServed);
    counter.add(['', 'pods', 'v1', 'GET'], 7);
    counter.add(['', '', '', 'GET'], 3);
    for (let at = 0; at < 30_000; at++) {
      const kind = ['example.com', `things${at}`, 'v1', 'GET'];
      served.add(`things${at}`).delete(`things${at - 100}`);
      counter.add(kind);
      seconds.observe(kind, 0.5);
    }
    expect(counter.size).toBeLessThanOrEqual(5000);
    expect(seconds.size).toBeLessThanOrEqual(5000);
    const text = counter.text();
    expect(text).toContain('requests{group="",resource="pods",version="v1",verb="GET"} 7\n');
    expect(text).toContain('requests{group="",resource="",version="",verb="GET"} 3\n');
    for (let at = 29_900; at < 30_000; at++) expect(text).toContain(`resource="things${at}"`);
  });
});

it('names buckets as Go does', () => {
  const seconds = new HistogramSeries({
    name: 'seconds',
    help: 'Seconds.',
    labels: [],
    buckets: [1e-8, 9.999999999999999e-6, 0.001, 1],
  });
  seconds.observe([], 0.5);
  expect([...seconds.text().matchAll(/le="([^"]+)"/g)].map(([, bound]) => bound)).toEqual([
    '1e-08',
    '9.999999999999999e-06',
    '0.001',
    '1',
    '+Inf',
  ]);
});
