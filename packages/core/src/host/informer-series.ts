import type { InformerStatus } from '../informer/index.ts';
import { NumberSeries } from '../metrics/index.ts';

const labels = [
  'cluster',
  'group',
  'version',
  'resource',
  'namespace',
  'label_selector',
  'field_selector',
  'metadata_only',
];

/** Of one of several clusters, where an operator works on such. */
export interface PlacedStatus extends InformerStatus {
  readonly cluster?: string;
}

interface Measured {
  readonly name: string;
  readonly help: string;
  /** `undefined`: there is nothing to say yet. */
  value(status: InformerStatus, now: number): number | undefined;
}

const measures: readonly Measured[] = [
  {
    name: 'keelson_informer_synced',
    help: 'Whether the cache holds what there is (1), or is being filled (0).',
    value: ({ synced }) => (synced ? 1 : 0),
  },
  {
    name: 'keelson_informer_objects',
    help: 'Objects in the cache.',
    value: ({ objects }) => objects,
  },
  {
    name: 'keelson_informer_age_seconds',
    help: 'Since when the server has not told that the cache is up to date; with bookmarks it does so about every minute.',
    value: ({ freshAt }, now) => (freshAt === undefined ? undefined : Math.max(0, now - freshAt) / 1_000),
  },
  {
    name: 'keelson_informer_failures',
    help: 'Attempts to list or watch that failed in a row.',
    value: ({ health }) => health.failures,
  },
];

/** How informers fare, in Prometheus' text format. `now` in milliseconds since the epoch. */
export function informerSeries(statuses: readonly PlacedStatus[], now: number): string {
  return measures
    .map(({ value, ...description }) => {
      const series = new NumberSeries({ ...description, type: 'gauge', labels });
      for (const each of statuses) {
        const measured = value(each, now);
        if (measured !== undefined) series.set(labelsOf(each), measured);
      }
      return series.text();
    })
    .join('');
}

function labelsOf({ cluster = '', type, scope, metadataOnly }: PlacedStatus): readonly string[] {
  const { namespace = '', labelSelector = '', fieldSelector = '' } = scope;
  return [
    cluster,
    type.group,
    type.version,
    type.plural,
    namespace,
    labelSelector,
    fieldSelector,
    String(metadataOnly),
  ];
}
