import type { z } from 'zod';
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
  CustomResourceSubresourceScale,
  JSONSchemaProps,
} from '../api/index.ts';
import { type CelRule, rulesKey } from './cel-rules.ts';
import type { CompleteNames } from './resource-names.ts';
import { structuralSchema } from './structural-schema.ts';

/** A column of `kubectl get`. */
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

/** What one version of a kind looks like. */
export interface VersionDefinition<Spec extends z.ZodObject = z.ZodObject, Status extends z.ZodObject = z.ZodObject> {
  readonly spec: Spec;
  /** With it the kind gets a status subresource. Each of its fields may be missing until it is written. */
  readonly status?: Status;
  /** Rules in CEL for the object as a whole: `self.spec`, `self.status`, `self.metadata.name`. For others see `withRules`. */
  readonly rules?: readonly CelRule<{ readonly spec: unknown; readonly status: unknown; readonly metadata: unknown }>[];
  /** Columns of `kubectl get`; the age is added at the end. */
  readonly printerColumns?: readonly PrinterColumn[];
  /** Makes `kubectl scale` and autoscalers work. */
  readonly scale?: CustomResourceSubresourceScale;
  /** Fields that lists and watches can select by, at most eight: `.spec.colour`. */
  readonly selectableFields?: readonly `.${string}`[];
  /** Warns whoever uses the version; a text is the warning. */
  readonly deprecated?: boolean | string;
}

/** A version beside others. */
export interface VersionState {
  readonly served: boolean;
  readonly storage: boolean;
}

/** The CustomResourceDefinition of a kind. @throws TypeError that names the path of whatever it cannot express */
export function definitionOf(
  names: CompleteNames,
  versions: readonly CustomResourceDefinitionVersion[],
  conversion?: CustomResourceConversion,
): CustomResourceDefinition {
  const { group, kind, plural, singular, shortNames, categories, scope } = names;
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
        singular,
        ...(shortNames && { shortNames }),
        ...(categories && { categories }),
      },
      versions,
      ...(conversion && { conversion }),
    },
  };
}

/** @param at how errors name the version: `Website` */
export function versionOf(
  name: string,
  definition: VersionDefinition,
  { served, storage }: VersionState,
  at: string,
): CustomResourceDefinitionVersion {
  const { status, scale, selectableFields, deprecated } = definition;
  return {
    name,
    served,
    storage,
    ...(deprecated !== undefined && deprecated !== false && { deprecated: true }),
    ...(typeof deprecated === 'string' && { deprecationWarning: deprecated }),
    schema: { openAPIV3Schema: objectSchema(definition, at) },
    ...((status || scale) && { subresources: { ...(status && { status: {} }), ...(scale && { scale }) } }),
    ...(selectableFields && { selectableFields: selectableFields.map((jsonPath) => ({ jsonPath })) }),
    ...columnsOf(definition.printerColumns),
  };
}

function objectSchema({ spec, status, rules }: VersionDefinition, at: string): JSONSchemaProps {
  const specSchema = structuralSchema(spec, `${at}: spec`);
  // Where everything in it has a default or is optional, the whole spec may be left out, and still gets its defaults.
  const optional = specSchema.required === undefined && specSchema.default === undefined;
  const { required: _, ...statusSchema } = status ? structuralSchema(status, `${at}: status`) : {};
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
    ...(rules && rules.length > 0 && { [rulesKey]: rules }),
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
