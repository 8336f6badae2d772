import fc, { type Arbitrary } from 'fast-check';
import type { JSONSchemaProps, KubernetesObject } from '../api/index.ts';
import { apiVersionOf } from '../api/index.ts';
import type { NewObject } from '../client/index.ts';
import type { CustomResource, DefinedResource } from '../crd/index.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../machinery/index.ts';
import { type Breakage, brokenValues } from './broken-values.ts';
import { type Given, valuesOf } from './schema-arbitrary.ts';

export type { Breakage } from './broken-values.ts';
export { expectRoundTrip, type RoundTripOptions } from './round-trip.ts';
export { type Given, valuesOf } from './schema-arbitrary.ts';
export { withDefaults } from './schema-defaults.ts';

/** What generated objects are to be like. */
export interface ObjectsOptions {
  /** Of namespaced objects; default `default`. */
  readonly namespace?: string;
  /**
   * Arbitraries of single places, by their path (`spec.image`, `spec.ports[].name`, `spec.labels[*]`): for what rules in
   * CEL demand, which generators do not read.
   */
  readonly given?: Given;
  /** Whether objects have a status, as far as the kind has one; default no: the server would drop it. */
  readonly status?: boolean;
}

type AnyResource<Spec, Status, Input> = Pick<
  DefinedResource<Spec, Status, Input>,
  'group' | 'version' | 'kind' | 'namespaced' | 'crd' | '__type'
>;

/**
 * Objects of a custom resource that a server takes, as somebody would write them: fields with defaults and optional ones
 * set or not, names, labels and annotations. What rules in CEL demand is left to `given`, or to a filter.
 *
 * @example
 * fc.assert(fc.asyncProperty(objectsOf(Website), async (site) => {
 *   const children = desired(await client.create(Website, site));
 *   …
 * }));
 */
export function objectsOf<Spec, Status, Input>(
  type: AnyResource<Spec, Status, Input>,
  options: ObjectsOptions = {},
): Arbitrary<NewObject<CustomResource<Spec, Status, Input>>> {
  return jsonObjectsOf(type, options).map((each) => {
    if (!isNew<NewObject<CustomResource<Spec, Status, Input>>>(each)) throw new TypeError('objects have metadata');
    return each;
  });
}

/** The schema of the kind has said that it is one. */
const isNew = <T>(object: JsonObject): object is JsonObject & T => isJsonObject(object['metadata']);

/** An object with one thing wrong that a server refuses. */
export interface InvalidObject extends Omit<Breakage, 'value'> {
  readonly object: NewObject<KubernetesObject>;
}

/**
 * Objects as of `objectsOf` in which one thing of the spec is wrong: a required field is missing, a bound is passed, a
 * type is another … Servers refuse each of them.
 */
export function invalidObjectsOf<Spec, Status, Input>(
  type: AnyResource<Spec, Status, Input>,
  options: Omit<ObjectsOptions, 'status'> = {},
): Arbitrary<InvalidObject> {
  const schema = specAndStatus(schemaOf(type), false);
  return jsonObjectsOf(type, options).chain((object) => {
    const { metadata, apiVersion, kind, ...content } = object;
    return brokenValues(fc.constant(content), schema, '').map(({ path, broken, value }) => {
      const invalid = { apiVersion, kind, metadata, ...(isJsonObject(value) && value) };
      if (!isNew<NewObject<KubernetesObject>>(invalid)) throw new TypeError('objects have metadata');
      return { path, broken, object: invalid };
    });
  });
}

function jsonObjectsOf(type: AnyResource<unknown, unknown, unknown>, options: ObjectsOptions): Arbitrary<JsonObject> {
  const { namespace = 'default', given = {}, status = false } = options;
  const metadata = fc.record(
    { name: given['metadata.name'] ?? names(), labels: labels(), annotations: annotations() },
    { requiredKeys: ['name'], noNullPrototype: true },
  );
  const content = valuesOf(specAndStatus(schemaOf(type), status), '', given);
  return fc.tuple(metadata, content).map(([own, rest]) => ({
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    metadata: { ...own, ...(type.namespaced && { namespace }) },
    ...(isJsonObject(rest) && rest),
  }));
}

function schemaOf({ kind, version, crd }: AnyResource<unknown, unknown, unknown>): JSONSchemaProps {
  const schema = crd.spec.versions.find((each) => each.name === version)?.schema?.openAPIV3Schema;
  if (!schema) throw new TypeError(`${kind} has no schema of ${version}`);
  return schema;
}

function specAndStatus({ properties = {}, required = [] }: JSONSchemaProps, withStatus: boolean): JSONSchemaProps {
  const { spec = {}, status } = properties;
  return { type: 'object', required, properties: { spec, ...(withStatus && status && { status }) } };
}

const names = (): Arbitrary<JsonValue> => fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]{1,8})?$/);
const keys = () => fc.stringMatching(/^([a-z]{1,8}\.(io|dev)\/)?[a-zA-Z0-9]([\w.-]{0,12}[a-zA-Z0-9])?$/);
const labels = () =>
  fc.dictionary(keys(), fc.stringMatching(/^([a-zA-Z0-9]([\w.-]{0,12}[a-zA-Z0-9])?)?$/), {
    maxKeys: 3,
    noNullPrototype: true,
  });
const annotations = () => fc.dictionary(keys(), fc.string({ maxLength: 20 }), { maxKeys: 2, noNullPrototype: true });
