import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** A field's or a type's schema, as the reference table has it. */
export interface FieldSchema {
  readonly type?: string | undefined;
  readonly format?: string | undefined;
  readonly ref?: string | undefined;
  readonly items?: FieldSchema | undefined;
  readonly additionalProperties?: FieldSchema | undefined;
  readonly properties?: Readonly<Record<string, FieldSchema>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly 'x-kubernetes-list-type'?: string | undefined;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[] | undefined;
  readonly 'x-kubernetes-patch-merge-key'?: string | undefined;
  readonly 'x-kubernetes-patch-strategy'?: string | undefined;
}

const fieldSchema: z.ZodType<FieldSchema> = z.lazy(() =>
  z.object({
    type: z.string().optional(),
    format: z.string().optional(),
    ref: z.string().optional(),
    items: fieldSchema.optional(),
    additionalProperties: fieldSchema.optional(),
    properties: z.record(z.string(), fieldSchema).optional(),
    required: z.array(z.string()).optional(),
    enum: z.array(z.string()).optional(),
    'x-kubernetes-list-type': z.string().optional(),
    'x-kubernetes-list-map-keys': z.array(z.string()).optional(),
    'x-kubernetes-patch-merge-key': z.string().optional(),
    'x-kubernetes-patch-strategy': z.string().optional(),
  }),
);
const groupVersionKind = z.object({ group: z.string(), version: z.string(), kind: z.string() });
const schemaFile = z.object({
  definitions: z.record(
    z.string(),
    z.intersection(fieldSchema, z.object({ 'x-kubernetes-group-version-kind': z.array(groupVersionKind).optional() })),
  ),
});
const discoveryFile = z.object({
  resources: z.array(
    z.object({
      group: z.string(),
      version: z.string(),
      resource: z.string(),
      kind: z.string(),
      scope: z.enum(['Namespaced', 'Cluster']),
      verbs: z.array(z.string()),
      subresources: z.array(z.object({ name: z.string(), verbs: z.array(z.string()) })).default([]),
    }),
  ),
});

/** One resource in one version. */
export interface Kind {
  /** `resource.group/version`, `pods/v1`. */
  readonly id: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly apiVersion: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: ReadonlyMap<string, readonly string[]>;
  /** Its type's name in `definitions`. */
  readonly definition: string;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../reference/${name}`, import.meta.url), 'utf8'));

const parsedSchema = schemaFile.parse(read('kubernetes-v1.35-schema.json'));
export const definitions: ReadonlyMap<string, FieldSchema> = new Map(Object.entries(parsedSchema.definitions));

const definitionOf = new Map<string, string>();
for (const [name, { 'x-kubernetes-group-version-kind': all }] of Object.entries(parsedSchema.definitions))
  if (all?.length === 1 && all[0]) definitionOf.set(`${all[0].group}/${all[0].version}/${all[0].kind}`, name);

/** Every resource of every version that the table has, stable or not. */
export const kinds: readonly Kind[] = discoveryFile
  .parse(read('kubernetes-v1.35-discovery.json'))
  .resources.map(({ group, version, resource, kind, scope, verbs, subresources }) => ({
    id: `${resource}${group === '' ? '' : `.${group}`}/${version}`,
    group,
    version,
    resource,
    kind,
    apiVersion: group === '' ? version : `${group}/${version}`,
    namespaced: scope === 'Namespaced',
    verbs,
    subresources: new Map(subresources.map((each) => [each.name, each.verbs])),
    definition: definitionOf.get(`${group}/${version}/${kind}`) ?? '',
  }));

/** Versions that must be switched on: `group/version`. */
export const unstableVersions: readonly string[] = [
  ...new Set(kinds.filter(({ version }) => /alpha|beta/.test(version)).map(({ apiVersion }) => apiVersion)),
];

/** The path of a kind's collection, in the case's namespace where it has one. */
export function collection({ group, version, resource, namespaced }: Kind): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}${namespaced ? '/namespaces/{{ns}}' : ''}/${resource}`;
}

/** Kinds by `pods`, `deployments.apps`, `leases.coordination.k8s.io/v1`, or a version-less id. */
export function selectKinds(names: readonly string[], groups: readonly string[]): Kind[] {
  const matches = ({ id, resource, group }: Kind, name: string) =>
    name === id ||
    name === id.split('/')[0] ||
    (!name.includes('.') && !name.includes('/') && name === resource) ||
    (group !== '' && name === `${resource}.${group.split('.')[0]}`);
  for (const name of names)
    if (!kinds.some((kind) => matches(kind, name))) throw new Error(`--kind ${name}: no such kind`);
  return kinds.filter(
    (kind) =>
      (names.length === 0 || names.some((name) => matches(kind, name))) &&
      (groups.length === 0 || groups.includes(kind.group) || groups.includes(kind.group.split('.')[0] ?? '')),
  );
}

/** The schema behind a reference. */
export function resolve(schema: FieldSchema): FieldSchema {
  return schema.ref === undefined ? schema : (definitions.get(schema.ref) ?? {});
}
