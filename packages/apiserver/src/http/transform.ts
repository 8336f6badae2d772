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

/** An object without all but its metadata. */
export function partialOf(object: KubernetesObject, { metaVersion }: Pick<OutputFormat, 'metaVersion'>) {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: ownMetadata(object) };
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
            const object = objects[index];
            const shown =
              includeObject === 'None' || !object
                ? null
                : includeObject === 'Object'
                  ? object
                  : partialOf(object, format);
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
