import type { KubernetesObject } from '../api/index.ts';
import {
  isJsonObject,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from '../machinery/index.ts';
import type { InformerOptions, Lister, Query } from './contract.ts';

/** A query made ready: whether an object is among those that it finds, and which are now. */
export interface PreparedQuery<T> {
  matches(object: T): boolean;
  /** By the narrowest index that the query names. */
  read(): readonly T[];
}

/**
 * @param indexValues the values under which the named index files an object; throws if there is no such index
 * @throws SelectorError for labels that are no selector
 */
export function prepareQuery<T extends KubernetesObject>(
  { namespace, labels, by, filter }: Query<T>,
  lister: Lister<T>,
  indexValues: (index: string, object: T) => readonly string[],
): PreparedQuery<T> {
  const selector = typeof labels === 'string' ? parseLabelSelector(labels) : labels;
  const conditions: ((object: T) => boolean)[] = [];
  if (namespace !== undefined) conditions.push((object) => object.metadata.namespace === namespace);
  if (selector !== undefined) conditions.push((object) => matchesLabels(selector, object.metadata.labels));
  if (by !== undefined) conditions.push((object) => indexValues(by.index, object).includes(by.value));
  if (filter !== undefined) conditions.push(filter);
  const matches = (object: T) => conditions.every((each) => each(object));
  const candidates = () => {
    if (by !== undefined) return lister.by(by.index, by.value);
    return namespace === undefined ? lister.list() : lister.inNamespace(namespace);
  };
  // Fails now, and not when somebody subscribes.
  candidates();
  return { matches, read: () => (conditions.length === 0 ? candidates() : candidates().filter(matches)) };
}

/** Whether objects are in a scope, as the server decides it. A field that is no text, number or boolean counts as `''`. */
export function selectionOf({
  namespace,
  labelSelector = '',
  fieldSelector = '',
}: InformerOptions): (object: KubernetesObject) => boolean {
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(fieldSelector);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, (field) => fieldOf(object, field));
}

function fieldOf(object: object, field: string): string | undefined {
  let value: unknown = object;
  for (const each of field.split('.')) value = isJsonObject(value) ? value[each] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}
