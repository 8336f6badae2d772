import type { z } from 'zod';
import type { KubernetesObject } from '../api/index.ts';
import { isJsonObject, type JsonObject } from '../machinery/index.ts';
import { type CustomResource, type DeepReadonly, type DefinedResource, typeOf } from './define-resource.ts';
import { completeNames, type ResourceNames } from './resource-names.ts';
import { definitionOf, type VersionDefinition, versionOf } from './resource-version.ts';
import { conversionByHub, type HubConversion } from './version-conversion.ts';

/** One of several versions. */
export interface ServedVersion extends VersionDefinition {
  /** Whether clients can ask for it; default `true`. One that is no longer served may still be stored. */
  readonly served?: boolean;
}

type StatusSchema<V> = V extends { readonly status: infer Status extends z.ZodObject } ? Status : z.ZodObject;
type SpecOf<V extends ServedVersion> = z.output<V['spec']>;
type StatusIn<V extends ServedVersion> = z.output<StatusSchema<V>>;

/** An object of one of the versions. */
export type VersionObject<V extends ServedVersion> = CustomResource<SpecOf<V>, StatusIn<V>>;

/** What a conversion makes; defaults are not put in afterwards, so every field that has one must be said. */
export type ConvertedContent<V extends ServedVersion> = {
  readonly spec: DeepReadonly<SpecOf<V>>;
  /** What it may be besides: labels and annotations, which are kept where nothing is said of them. */
  readonly metadata?: Pick<KubernetesObject['metadata'], 'labels' | 'annotations'>;
} & (V extends { readonly status: z.ZodObject }
  ? { readonly status: DeepReadonly<Partial<StatusIn<V>>> | undefined }
  : { readonly status?: never });

/** Between one version and the hub. Both ways must keep what the other version cannot say, in an annotation for example. */
export interface ConversionPair<V extends ServedVersion, Hub extends ServedVersion> {
  toHub(object: VersionObject<V>): ConvertedContent<Hub>;
  fromHub(object: VersionObject<Hub>): ConvertedContent<V>;
}

/** A kind of several versions: its names, what each looks like, and how one becomes the other. */
export interface VersionsDefinition<
  Versions extends Readonly<Record<string, ServedVersion>>,
  Hub extends keyof Versions,
> extends ResourceNames {
  readonly versions: Versions;
  /** The version that the others are converted to and from: that of your code, as a rule. */
  readonly hub: Hub;
  /** The version that is stored; default the hub. A new one is stored only after all servers know it. */
  readonly storage?: keyof Versions;
  /** One pair for every version but the hub. */
  readonly conversions: { readonly [V in Exclude<keyof Versions, Hub>]: ConversionPair<Versions[V], Versions[Hub]> };
}

/** A resource type by the name of its version: `Website.v1`. All of them have one CustomResourceDefinition. */
export type ResourceVersions<Versions extends Readonly<Record<string, ServedVersion>>> = {
  readonly [V in keyof Versions]: DefinedResource<
    SpecOf<Versions[V]>,
    StatusIn<Versions[V]>,
    z.input<Versions[V]['spec']>
  >;
};

/**
 * A kind of several versions, which are one object: each version is served in its own shape, and an operator works with
 * the one that it names. The conversions are served to the API server by the operator's own process.
 *
 * @example
 * const Website = defineVersions({
 *   group: 'example.com',
 *   kind: 'Website',
 *   hub: 'v1',
 *   versions: {
 *     v1: { spec: z.object({ page: z.object({ text: z.string() }) }) },
 *     v1alpha1: { spec: z.object({ text: z.string() }), deprecated: true },
 *   },
 *   conversions: {
 *     v1alpha1: {
 *       toHub: ({ spec }) => ({ spec: { page: { text: spec.text } } }),
 *       fromHub: ({ spec }) => ({ spec: { text: spec.page.text } }),
 *     },
 *   },
 * });
 * defineOperator({ name: 'website', for: Website.v1, … });
 * @throws TypeError that names the path of whatever a CustomResourceDefinition cannot express
 */
export function defineVersions<
  const Versions extends Readonly<Record<string, ServedVersion>>,
  const Hub extends keyof Versions & string,
>(definition: VersionsDefinition<Versions, Hub>): ResourceVersions<Versions> {
  const { hub, storage = hub, kind } = definition;
  const versions = Object.entries<ServedVersion>(definition.versions);
  const names = completeNames(
    definition,
    versions.map(([name]) => name),
  );
  const written = versions.map(([name, version]) =>
    versionOf(
      name,
      version,
      { served: version.served ?? true, storage: name === storage },
      versions.length === 1 ? kind : `${kind}: ${name}`,
    ),
  );
  const conversion = conversionByHub(names, hub, conversionsOf(definition));
  // How the webhook is reached is known only where it runs.
  const crd = definitionOf(names, written);
  return Object.fromEntries(
    versions.map(([name, { status }]) => [name, { ...typeOf(names, name, status !== undefined), crd, conversion }]),
  ) as ResourceVersions<Versions>;
}

function conversionsOf<Versions extends Readonly<Record<string, ServedVersion>>, Hub extends keyof Versions & string>(
  definition: VersionsDefinition<Versions, Hub>,
): ReadonlyMap<string, HubConversion> {
  const { kind, hub, versions } = definition;
  const pairs = new Map(Object.entries<ConversionPair<ServedVersion, ServedVersion>>(definition.conversions));
  const names = Object.keys(versions).filter((each) => each !== hub);
  const missing = names.filter((each) => !pairs.has(each));
  if (missing.length > 0) throw new TypeError(`${kind}: no conversion between ${hub} and ${missing.join(', ')}`);
  return new Map(
    names.flatMap((name) => {
      const pair = pairs.get(name);
      if (!pair) return [];
      const conversion: HubConversion = {
        toHub: (object) => pair.toHub(decoded(object)),
        fromHub: (object) => pair.fromHub(decoded(object)),
      };
      return [[name, conversion] as const];
    }),
  );
}

/** The server has decoded it by the schema of its version. */
function decoded(object: JsonObject): VersionObject<ServedVersion> {
  if (!isObject(object)) throw new TypeError('an object has metadata');
  return object;
}

const isObject = (object: JsonObject): object is JsonObject & VersionObject<ServedVersion> =>
  isJsonObject(object['metadata']) && isJsonObject(object['spec']);
