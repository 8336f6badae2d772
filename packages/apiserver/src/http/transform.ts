import type { KubernetesObject, ListMeta } from '@keelson/core';
import type { EncodedObject, ServedResource } from '../registry/contract.ts';
import type { TablePrinter } from '../table/index.ts';
import type { OutputFormat } from './negotiate.ts';

interface TableContext {
  readonly format: Pick<OutputFormat, 'metaVersion'>;
  readonly resource: ServedResource;
  readonly tables: TablePrinter;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
}

interface PartialFormat {
  readonly format: Pick<OutputFormat, 'metaVersion'>;
  readonly resource: Pick<ServedResource, 'kind'>;
}

/** An object without all but its metadata. */
export function partialOf(value: EncodedObject, { format, resource }: PartialFormat) {
  const metadata =
    carriers.has(resource.kind) || !value.peekMetadata ? ownMetadata(value.object) : value.peekMetadata();
  return { ...partialType(format), metadata };
}

const partialType = ({ metaVersion }: Pick<OutputFormat, 'metaVersion'>) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${metaVersion}`,
});

const brace = Buffer.from('}');

/** The JSON of `partialOf` in pieces: nothing is decoded where the metadata stands in what is stored. */
export function partialPieces(value: EncodedObject, context: PartialFormat): readonly Uint8Array[] {
  const { format, resource } = context;
  const metadata = carriers.has(resource.kind) ? undefined : value.metadataPieces?.();
  if (!metadata) return [Buffer.from(JSON.stringify(partialOf(value, context)))];
  return [partialStart(format), ...metadata, brace];
}

const partialStarts = new Map<string, Buffer>();

function partialStart(format: Pick<OutputFormat, 'metaVersion'>): Buffer {
  let start = partialStarts.get(format.metaVersion);
  if (!start) {
    start = Buffer.from(`${JSON.stringify(partialType(format)).slice(0, -1)},"metadata":`);
    partialStarts.set(format.metaVersion, start);
  }
  return start;
}

/** Annotations that stand for fields which one version of a kind has and another has not. */
const carriers: ReadonlyMap<string, readonly string[]> = new Map([
  ['DaemonSet', ['deprecated.daemonset.template.generation']],
  [
    'HorizontalPodAutoscaler',
    ['metrics', 'behavior', 'conditions', 'current-metrics'].map((each) => `autoscaling.alpha.kubernetes.io/${each}`),
  ],
]);

/** Metadata as Kubernetes has it before an object takes the form of a version. */
function ownMetadata({ kind = '', apiVersion = '', metadata }: KubernetesObject): KubernetesObject['metadata'] {
  const carried = metadata.annotations && carriers.get(kind);
  if (!carried || !/^(apps|autoscaling)\//.test(apiVersion)) return metadata;
  const { annotations, ...rest } = metadata;
  const kept = Object.entries(annotations ?? {}).filter(([name]) => !carried.includes(name));
  return kept.length > 0 ? { ...metadata, annotations: Object.fromEntries(kept) } : rest;
}

/** Objects as rows of a `meta.k8s.io` Table. Without `listMeta` it has the version of its one object. */
export function tableOf(
  items: readonly EncodedObject[],
  listMeta: ListMeta | undefined,
  { format, resource, tables, includeObject }: TableContext,
  withColumns = true,
) {
  const objects = items.map(({ object }) => object);
  const { selfLink: _link, continue: next, ...rest }: ListMeta = listMeta ?? versionOf(objects[0]);
  // A list of types of somebody's own has a place for it where there is no more to come; a table has none.
  const metadata = next ? { ...rest, continue: next } : rest;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${format.metaVersion}`,
    metadata,
    columnDefinitions: withColumns ? tables.columns(resource) : null,
    rows:
      objects.length === 0 && tables.sparse(resource)
        ? null
        : tables.rows(resource, objects).map(({ cells, conditions }, index) => {
            const item = items[index];
            const shown =
              includeObject === 'None' || !item
                ? null
                : includeObject === 'Object'
                  ? item.object
                  : partialOf(item, { format, resource });
            return { cells, ...(conditions && { conditions }), object: shown };
          }),
  };
}

function versionOf(object: KubernetesObject | undefined): ListMeta {
  const resourceVersion = object?.metadata.resourceVersion;
  return resourceVersion === undefined ? {} : { resourceVersion };
}

/** Groups whose Go package has another name than the first label of the group. */
const packages: Readonly<Record<string, string>> = {
  '': 'core',
  'events.k8s.io': 'core',
  'internal.apiserver.k8s.io': 'apiserverinternal',
};

/** The Go type by which messages of Kubernetes name a kind: `*core.Pod`. */
export function goTypeOf({ group, kind, custom }: ServedResource, suffix: '' | 'List' = ''): string {
  if (custom) return `*unstructured.Unstructured${suffix}`;
  return `*${packages[group] ?? group.split('.')[0]}.${kind}${suffix}`;
}
