import type { z } from 'zod';
import type { CustomResourceDefinition, KubernetesObject, ResourceType } from '../api/index.ts';
import { type CompleteNames, completeNames, type ResourceNames } from './resource-names.ts';
import { definitionOf, type VersionDefinition, versionOf } from './resource-version.ts';
import type { ResourceConversion } from './version-conversion.ts';

/** Objects are shared, so nothing in them may be assigned to. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** An object of a defined resource, as it is read: the server has put the defaults in. */
export interface CustomResource<Spec, Status, Input = Spec> extends KubernetesObject {
  readonly spec: DeepReadonly<Spec>;
  readonly status?: DeepReadonly<Partial<Status>>;
  /** Type only; never present at run time: what a new object says, its defaults left out. */
  readonly __input?: NewContent<DeepReadonly<Input>>;
}

type NewContent<Input> = Record<never, never> extends Input ? { readonly spec?: Input } : { readonly spec: Input };

/** The TypeScript type of a resource type's objects: `type Website = ResourceObject<typeof Website>`. */
export type ResourceObject<R> = R extends ResourceType<infer T> ? T : never;

/** A kind of one version: its names, and what it looks like. */
export interface ResourceDefinition<Spec extends z.ZodObject, Status extends z.ZodObject>
  extends ResourceNames,
    VersionDefinition<Spec, Status> {
  /** For example `v1alpha1`. */
  readonly version: string;
}

/** A resource type that knows its CustomResourceDefinition. */
export interface DefinedResource<Spec = unknown, Status = unknown, Input = Spec>
  extends ResourceType<CustomResource<Spec, Status, Input>> {
  /** Of all its versions. */
  readonly crd: CustomResourceDefinition;
  /** Between its versions, where it has several. */
  readonly conversion?: ResourceConversion;
}

/**
 * Makes a kind of the API out of zod schemas: its type, its CustomResourceDefinition, its defaults and its validation.
 * A kind of several versions is made by `defineVersions`.
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
): DefinedResource<z.output<Spec>, z.output<Status>, z.input<Spec>> {
  const { version, kind } = definition;
  const names = completeNames(definition, [version]);
  const crd = definitionOf(names, [versionOf(version, definition, { served: true, storage: true }, kind)]);
  return { ...typeOf(names, version, definition.status !== undefined), crd };
}

/** The resource type of one version. */
export function typeOf(names: CompleteNames, version: string, status: boolean): ResourceType<never> {
  const { group, kind, plural, scope } = names;
  return { group, version, kind, plural, namespaced: scope === 'Namespaced', ...(status && { status }) };
}
