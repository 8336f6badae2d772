import fc from 'fast-check';
import type { JSONSchemaProps } from '../api/index.ts';
import { apiVersionOf, type ResourceType } from '../api/index.ts';
import type { DefinedResource } from '../crd/index.ts';
import { deepEqual, isJsonObject, type JsonObject } from '../machinery/index.ts';
import { type Given, valuesOf } from './schema-arbitrary.ts';
import { withDefaults } from './schema-defaults.ts';

/** Which objects are converted, and how many. */
export interface RoundTripOptions {
  /** Arbitraries of single places by version and path: `{ v1alpha1: { 'spec.size': fc.nat() } }`. */
  readonly given?: Readonly<Record<string, Given>>;
  /** Objects of each version and way; default 200. */
  readonly runs?: number;
  /** To see a failure again. */
  readonly seed?: number;
}

type Version = ResourceType & Pick<DefinedResource, 'crd' | 'conversion'>;

/**
 * Checks by generated objects that nothing is lost between versions: whatever is written in one of them comes back the
 * same after it was converted to any other and back. Labels and annotations may be added.
 *
 * @param versions what `defineVersions` made
 * @throws Error with the smallest object that comes back otherwise
 * @example
 * it('keeps what it converts', () => expectRoundTrip(Website));
 */
export function expectRoundTrip(versions: Readonly<Record<string, Version>>, options: RoundTripOptions = {}): void {
  const all = Object.values(versions);
  for (const from of all) {
    for (const to of all) if (from !== to) checkWay(from, to, options);
  }
}

function checkWay(from: Version, to: Version, { given = {}, runs = 200, seed }: RoundTripOptions): void {
  const { conversion, crd, version, kind } = from;
  if (!conversion) throw new TypeError(`${kind} has no conversion: it is not made by defineVersions`);
  const schema = crd.spec.versions.find((each) => each.name === version)?.schema?.openAPIV3Schema ?? {};
  const property = fc.property(contentOf(schema, given[version] ?? {}), (content) => {
    const object: JsonObject = { apiVersion: apiVersionOf(from), kind, metadata, ...content };
    const there = conversion.convert(object, apiVersionOf(to));
    const back = conversion.convert(there, apiVersionOf(from));
    for (const part of ['spec', 'status'] as const) {
      if (deepEqual(object[part] ?? {}, back[part] ?? {})) continue;
      const texts = [object[part], there[part], back[part]].map((each) => JSON.stringify(each));
      throw new Error(
        `${kind}: the ${part} ${texts[0]} of ${version} is ${texts[1]} in ${to.version}, and back ${texts[2]}`,
      );
    }
    const kept = isJsonObject(back['metadata']) ? back['metadata'] : {};
    for (const part of ['labels', 'annotations'] as const) {
      const now = isJsonObject(kept[part]) ? kept[part] : {};
      for (const [key, value] of Object.entries(metadata[part])) {
        if (now[key] !== value)
          throw new Error(`${kind}: between ${version} and ${to.version} the ${part} lose ${key}`);
      }
    }
  });
  const details = fc.check(property, { numRuns: runs, ...(seed !== undefined && { seed }) });
  if (!details.failed) return;
  const { errorInstance: cause } = details;
  throw new Error(`${cause instanceof Error ? cause.message : String(cause)} (seed ${details.seed})`, { cause });
}

const metadata = {
  name: 'object',
  namespace: 'default',
  uid: '1',
  labels: { kept: 'yes' },
  annotations: { 'example.com/kept': 'yes' },
};

/** As a conversion gets it: the server has put the defaults in. */
function contentOf({ properties = {} }: JSONSchemaProps, given: Given): fc.Arbitrary<JsonObject> {
  const { spec = {}, status } = properties;
  const schema: JSONSchemaProps = {
    type: 'object',
    required: ['spec'],
    properties: { spec, ...(status && { status }) },
  };
  return valuesOf(schema, '', given).map((each) => {
    const content = withDefaults(each, schema);
    return isJsonObject(content) ? content : {};
  });
}
