import type { KubernetesObject } from '../api/index.ts';

/** Fewer objects cost nothing. */
export const largeCache = 10_000;
/** A cache of which less is ever read is too wide. */
export const leastRead = 0.01;

const fewNamespaces = 5;
/** A selector is worth it that leaves out nine of ten. */
const muchLess = 0.1;

/** What would hold all that is read of a cache, and little else; in words of code. */
export function scopeThatWouldDo(
  read: readonly KubernetesObject[],
  all: readonly KubernetesObject[],
  kind: string,
): string {
  if (read.length === 0) {
    return `nobody reads its objects: \`informers.metadata(${kind})\` tells the same events and keeps a fraction of the memory`;
  }
  const namespaces = [...new Set(read.map((each) => each.metadata.namespace ?? ''))].toSorted();
  const labels = selectorThatWouldDo(read, all);
  const [only = ''] = namespaces;
  if (namespaces.length === 1 && only !== '') {
    return `one namespace would do: \`informers.for(${kind}, { namespace: '${only}' })\``;
  }
  if (labels !== undefined) return `a selector would do: \`informers.for(${kind}, { labelSelector: '${labels}' })\``;
  if (namespaces.length <= fewNamespaces && only !== '') {
    return `one informer for each of these namespaces would do: ${namespaces.join(', ')}`;
  }
  return `\`client.get(${kind}, …)\` for the few that are needed, or \`informers.metadata(${kind})\` with a get where the whole object is needed`;
}

/** The label that all have that are read, and the fewest others. */
function selectorThatWouldDo(
  [first, ...rest]: readonly KubernetesObject[],
  all: readonly KubernetesObject[],
): string | undefined {
  const common = Object.entries(first?.metadata.labels ?? {}).filter(([name]) =>
    rest.every((each) => each.metadata.labels?.[name] !== undefined),
  );
  const selectors = common.map(([name, value]) => {
    const same = rest.every((each) => each.metadata.labels?.[name] === value);
    const selects = ({ metadata: { labels } }: KubernetesObject) =>
      same ? labels?.[name] === value : labels?.[name] !== undefined;
    return { text: same ? `${name}=${value}` : name, count: all.filter(selects).length };
  });
  const [best] = selectors.toSorted((left, right) => left.count - right.count);
  return best && best.count <= all.length * muchLess ? best.text : undefined;
}
