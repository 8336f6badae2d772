import type { Json } from './schemas.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** What every kind has at its top. */
const ofObjects = {
  apiVersion: 'APIVersion defines the group and version whose schema the object follows.',
  kind: 'Kind names what the object is; with the apiVersion it leads to the schema.',
  metadata: "Standard object's metadata: name, labels, owners and what else all kinds have.",
};

const ofLists = {
  ...ofObjects,
  metadata: 'Standard list metadata: the version of the list, and how to go on with a long one.',
};

const described: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [`${meta}.ObjectMeta`]: {
    annotations: 'Annotations are notes for tools and people, by key. Nothing is selected by them.',
    creationTimestamp: 'CreationTimestamp is a timestamp of the server: when it made the object. Nobody else sets it.',
    deletionGracePeriodSeconds: 'How many seconds are left from the request to delete until the object goes.',
    deletionTimestamp: 'When the object goes, once its deletion was asked for and its finalizers are done.',
    finalizers: 'Who has something to do before the object may go; each takes its own entry away.',
    generateName: 'What a name begins with that the server makes, where none is given.',
    generation: 'Counts the changes of what is wanted. The server sets it.',
    labels: 'Labels are values by key, by which objects are grouped and selected.',
    managedFields: 'Which client last set which fields, in which version of the kind. The server keeps it.',
    name: 'Name of the object, unique among those of its kind in the namespace. It never changes.',
    namespace: 'Namespace that the name is unique in. Kinds of the whole cluster have none.',
    ownerReferences: 'Objects that this one belongs to. When the last of them has gone, it is collected.',
    resourceVersion: 'The version of the stored object, for watches and for updates that must not overwrite others.',
    selfLink: 'No longer filled in.',
    uid: 'Tells the object from all others, past ones of the same name included. The server sets it.',
  },
  [`${meta}.ListMeta`]: {
    continue: 'The list goes on: the token to ask for the next part with.',
    remainingItemCount: 'About how many items follow after this part.',
    resourceVersion: 'The version that the list was read at, and that a watch may begin from.',
    selfLink: 'No longer filled in.',
  },
};

/**
 * A schema with words about the fields that all kinds share: what `kubectl explain` says of them. The words are our own,
 * beginning as clients and Kubernetes' suite expect. A description that is there already stays.
 */
export function withDescriptions(name: string, schema: Json): Json {
  const texts: Readonly<Record<string, string>> | undefined =
    described[name] ?? (isKind(schema) ? (isList(schema) ? ofLists : ofObjects) : undefined);
  const { properties } = schema;
  if (texts === undefined || !isRecord(properties)) return schema;
  const worded = Object.entries(properties).map(([field, each]) => {
    const description = texts[field];
    return [field, description !== undefined && isRecord(each) ? { description, ...each } : each];
  });
  return { ...schema, properties: Object.fromEntries(worded) };
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isKind = (schema: Json): boolean => 'x-kubernetes-group-version-kind' in schema;

const isList = ({ properties }: Json): boolean =>
  isRecord(properties) && isRecord(properties['items']) && properties['items']['type'] === 'array';
