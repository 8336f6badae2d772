import type { z } from 'zod';
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceSubresourceScale,
  JSONSchemaProps,
  KubernetesObject,
  ResourceType,
} from '../api/index.ts';
import { structuralSchema } from './structural-schema.ts';

/** Objects are shared, so nothing in them may be assigned to. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** An object of a defined resource, as it is read: the server has put the defaults in. */
export interface CustomResource<Spec, Status> extends KubernetesObject {
  readonly spec: DeepReadonly<Spec>;
  readonly status?: DeepReadonly<Partial<Status>>;
}

/** The TypeScript type of a resource type's objects: `type Website = ResourceObject<typeof Website>`. */
export type ResourceObject<R> = R extends ResourceType<infer T> ? T : never;

export interface PrinterColumn {
  readonly name: string;
  /** For example `.spec.replicas`. */
  readonly jsonPath: string;
  /** Default `string`. */
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly description?: string;
  /** Above 0: in `-o wide` only. */
  readonly priority?: number;
}

export interface ResourceDefinition<Spec extends z.ZodObject, Status extends z.ZodObject> {
  /** A domain of your own, for example `example.com`. */
  readonly group: string;
  /** For example `v1alpha1`. */
  readonly version: string;
  /** In CamelCase, singular. */
  readonly kind: string;
  /** Default: the kind in lower case with the plural's ending. */
  readonly plural?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Default `Namespaced`. */
  readonly scope?: 'Namespaced' | 'Cluster';
  readonly spec: Spec;
  /** With it the kind gets a status subresource. Each of its fields may be missing until it is written. */
  readonly status?: Status;
  /** Columns of `kubectl get`; the age is added at the end. */
  readonly printerColumns?: readonly PrinterColumn[];
  /** Makes `kubectl scale` and autoscalers work. */
  readonly scale?: CustomResourceSubresourceScale;
}

/** A resource type that knows its CustomResourceDefinition. */
export interface DefinedResource<Spec = unknown, Status = unknown> extends ResourceType<CustomResource<Spec, Status>> {
  readonly crd: CustomResourceDefinition;
}

/**
 * Makes a kind of the API out of zod schemas: its type, its CustomResourceDefinition, its defaults and its validation.
 *
 * @example
 * const Website = defineResource({
 *   group: 'example.com',
 *   version: 'v1',
 *   kind: 'Website',
 *   spec: z.object({ page: z.string(), replicas: z.int().min(0).default(2) }),
 *   status: z.object({ url: z.string() }),
 * });
 * type Website = ResourceObject<typeof Website>;
 * @throws TypeError that names the path of whatever a CustomResourceDefinition cannot express
 */
export function defineResource<Spec extends z.ZodObject, Status extends z.ZodObject = z.ZodObject>(
  definition: ResourceDefinition<Spec, Status>,
): DefinedResource<z.output<Spec>, z.output<Status>> {
  const { group, version, kind, plural = pluralOf(kind), scope = 'Namespaced', status } = definition;
  requireNames({ group, version, kind, plural });
  return {
    group,
    version,
    kind,
    plural,
    namespaced: scope === 'Namespaced',
    ...(status && { status: true }),
    crd: crdOf(definition, plural, scope),
  };
}

function crdOf(
  definition: ResourceDefinition<z.ZodObject, z.ZodObject>,
  plural: string,
  scope: string,
): CustomResourceDefinition {
  const { group, version, kind, shortNames, categories, status, scale } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: objectSchema(definition) },
          ...((status || scale) && { subresources: { ...(status && { status: {} }), ...(scale && { scale }) } }),
          ...columnsOf(definition.printerColumns),
        },
      ],
    },
  };
}

function objectSchema({ kind, spec, status }: ResourceDefinition<z.ZodObject, z.ZodObject>): JSONSchemaProps {
  const specSchema = structuralSchema(spec, `${kind}: spec`);
  // Where everything in it has a default or is optional, the whole spec may be left out, and still gets its defaults.
  const optional = specSchema.required === undefined && specSchema.default === undefined;
  const { required: _, ...statusSchema } = status ? structuralSchema(status, `${kind}: status`) : {};
  return {
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: optional ? { ...specSchema, default: {} } : specSchema,
      ...(status && { status: statusSchema }),
    },
    ...(!optional && { required: ['spec'] }),
  };
}

function columnsOf(columns: readonly PrinterColumn[] | undefined): {
  readonly additionalPrinterColumns?: readonly CustomResourceColumnDefinition[];
} {
  if (!columns) return {};
  const age = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' } as const;
  const all: readonly PrinterColumn[] = columns.some((each) => each.name === age.name) ? columns : [...columns, age];
  return { additionalPrinterColumns: all.map((each) => ({ ...each, type: each.type ?? 'string' })) };
}

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

function requireNames(names: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}): void {
  const { group, version, kind, plural } = names;
  const wrong = (what: string, value: string, rule: string) => new TypeError(`${kind}: ${what} "${value}" ${rule}`);
  if (!/^[A-Z][A-Za-z0-9]*$/.test(kind)) throw wrong('kind', kind, 'must be CamelCase, such as "Website"');
  if (!group.includes('.') || !group.split('.').every((each) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(each))) {
    throw wrong('group', group, 'must be a domain name, such as "example.com"');
  }
  if (!label.test(version)) throw wrong('version', version, 'must be a DNS label, such as "v1alpha1"');
  if (!label.test(plural)) throw wrong('plural', plural, 'must be a DNS label in lower case');
}

function pluralOf(kind: string): string {
  const singular = kind.toLowerCase();
  if (/(s|x|z|ch|sh)$/.test(singular)) return `${singular}es`;
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return `${singular}s`;
}
