import type { JSONSchemaProps, KubernetesObject } from '@keelson/core';
import type { ObjectDraft } from '../registry/draft.ts';
import type { Kind, StoredVersions } from '../registry/kind.ts';
import type { StoredObject } from '../registry/stored-object.ts';
import { UnreadableError } from '../registry/stored-versions.ts';
import { ConversionError } from './conversion-review.ts';
import type { Converter } from './conversion-webhook.ts';
import { fittedTo, withDefaults } from './custom-decoder.ts';

/** What all versions of a definition share. */
export interface CustomVersions {
  readonly definition: object;
  /** Of every version, served or not, by its apiVersion. */
  readonly schemas: ReadonlyMap<string, JSONSchemaProps>;
  /** The apiVersion in which objects are stored. */
  readonly storage: string;
  /** Undefined: versions differ in nothing but their names. */
  readonly converter: Converter | undefined;
  /** Any version of the kind, served or not. */
  readonly version: (apiVersion: string) => Kind | undefined;
}

/**
 * How one version of a custom kind is read from the store and written to it. What is read gets the defaults of the version
 * in which it was stored, and loses what the version in which it is asked for does not specify; what is written loses what
 * the stored version does not specify.
 */
export function storedVersions(apiVersion: string, versions: CustomVersions): StoredVersions {
  const { schemas, storage } = versions;
  const own = schemas.get(apiVersion) ?? {};
  const known = new WeakMap<KubernetesObject, StoredObject | Promise<StoredObject>>();
  const complete = (object: KubernetesObject): KubernetesObject => {
    const schema = schemas.get(object.apiVersion ?? '');
    if (!schema) throw unknownVersion(object.apiVersion ?? '');
    return withDefaults(fittedTo(object, schema), schema);
  };
  const answered = (stored: StoredObject, converted: KubernetesObject): StoredObject => {
    const { object } = stored;
    if (converted === object) return stored;
    const { resourceVersion, ...metadata } = converted.metadata;
    const revision = object.metadata.resourceVersion ?? resourceVersion;
    return stored.as({ ...converted, metadata: { resourceVersion: revision, ...metadata } });
  };
  const readAll = async (missing: readonly StoredObject[]): Promise<readonly StoredObject[]> => {
    const converted = await convertAll(
      missing.map(({ object }) => complete(object)),
      apiVersion,
      versions,
    );
    return missing.map((stored, at) => answered(stored, converted[at] ?? stored.object));
  };
  const read = (stored: StoredObject): StoredObject | undefined => {
    const full = complete(stored.object);
    if (full.apiVersion === apiVersion) return answered(stored, full);
    return versions.converter ? undefined : answered(stored, renamed(full, apiVersion, own));
  };
  return {
    definition: versions.definition,
    version: versions.version,
    read(objects) {
      const found: (StoredObject | Promise<StoredObject>)[] = [];
      const missing: StoredObject[] = [];
      const places: number[] = [];
      let waits = false;
      for (const stored of objects) {
        let each = known.get(stored.object);
        if (each === undefined || (!(each instanceof Promise) && each.revision !== stored.revision)) {
          each = read(stored);
          if (each) known.set(stored.object, each);
        }
        if (each === undefined) {
          places.push(found.length);
          missing.push(stored);
          found.push(stored);
        } else {
          waits ||= each instanceof Promise;
          found.push(each);
        }
      }
      if (missing.length === 0 && !waits) return found as readonly StoredObject[];
      const converted = readAll(missing);
      missing.forEach((stored, at) => {
        const { object } = stored;
        const one = converted.then((all) => all[at] ?? stored);
        known.set(object, one);
        one.then(
          (value) => known.set(object, value),
          () => known.delete(object),
        );
        found[places[at] ?? 0] = one;
      });
      return Promise.all(found);
    },
    write: (object) => {
      if (storage === apiVersion) return object;
      return convertOne(object, storage, versions);
    },
    reread(object) {
      if (storage === apiVersion) return object;
      const written = convertOne(object, storage, versions);
      const back = (each: KubernetesObject) => convertOne(complete(each), apiVersion, versions);
      return written instanceof Promise ? written.then(back) : back(written);
    },
    convert: (object, to: Kind, { whole = false } = {}) =>
      convertOne(object, to.apiVersion, whole ? { ...versions, schemas: anything } : versions),
  };
}

/** Somebody took the version away in which an object is still stored. */
const unknownVersion = (version: string) =>
  new UnreadableError(`request to convert CR from an invalid group/version: ${version}`);

/** No version has a schema: nothing is left out. */
const anything: CustomVersions['schemas'] = new Map();
const open: JSONSchemaProps = { 'x-kubernetes-preserve-unknown-fields': true };

function renamed(object: KubernetesObject, apiVersion: string, schema: JSONSchemaProps): KubernetesObject {
  return fittedTo({ ...object, apiVersion }, schema);
}

function convertOne<T extends KubernetesObject | ObjectDraft>(
  object: T,
  to: string,
  versions: CustomVersions,
): T | Promise<T> {
  const schema = versions.schemas.get(to) ?? open;
  if (object.apiVersion === to) return object;
  if (!versions.converter) return fittedTo({ ...object, apiVersion: to }, schema);
  // What was converted is an object of the kind, and nobody else's.
  return convertAll([object as KubernetesObject], to, versions).then(([converted]) => converted as T);
}

async function convertAll(
  objects: readonly KubernetesObject[],
  to: string,
  { converter, schemas }: CustomVersions,
): Promise<readonly KubernetesObject[]> {
  const schema = schemas.get(to) ?? open;
  if (!converter) return objects.map((each) => renamed(each, to, schema));
  const result = [...objects];
  const byVersion = new Map<string, number[]>();
  objects.forEach(({ apiVersion = '' }, at) => {
    if (apiVersion === to) return;
    const places = byVersion.get(apiVersion);
    if (places) places.push(at);
    else byVersion.set(apiVersion, [at]);
  });
  try {
    await Promise.all(
      [...byVersion.values()].map(async (places) => {
        const given = places.flatMap((at) => objects[at] ?? []);
        const converted = await converter.convert(given, to);
        places.forEach((at, index) => {
          const each = converted[index];
          if (each) result[at] = ordered(fittedTo(each, schema));
        });
      }),
    );
  } catch (error) {
    if (!(error instanceof ConversionError)) throw error;
    throw new UnreadableError(error.message);
  }
  return result;
}

/** Stored bytes begin with kind, apiVersion and metadata, whatever a webhook has made of that. */
function ordered(object: KubernetesObject): KubernetesObject {
  const { kind, apiVersion, metadata, ...rest } = object;
  return { kind, apiVersion, metadata, ...rest } as KubernetesObject;
}
