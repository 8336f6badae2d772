import fc, { type Arbitrary } from 'fast-check';
import { objectOf } from '../../twin/bases.ts';
import { isObject, type JsonObject } from '../../twin/json.ts';
import { kinds as allKinds, collection, type Kind } from '../../twin/kinds.ts';
import { fullObjects } from '../../twin/scenarios/full.ts';
import { of } from './texts.ts';

/** Kinds whose objects change how the server treats all that comes after, and are left out where they are made. */
const powerful =
  /webhookconfigurations|admissionpolic|^apiservices|^prioritylevel|^flowschemas|^namespaces|^customresourcedefinitions/;

/** Kinds of which the case can make objects. */
export const kinds: readonly Kind[] = allKinds.filter((kind) => objectOf(kind) !== undefined);
export const stored: readonly Kind[] = kinds.filter(({ id, verbs }) => verbs.includes('get') && !powerful.test(id));
const stable = (all: readonly Kind[]) => all.filter(({ version }) => !/alpha|beta/.test(version));

export const kindById = (id: string): Kind | undefined => allKinds.find((each) => each.id === id);

export const anyKind: Arbitrary<Kind> = fc.oneof(
  { weight: 3, arbitrary: of(...stable(kinds)) },
  { weight: 1, arbitrary: of(...kinds) },
);
export const storedKind: Arbitrary<Kind> = fc.oneof(
  { weight: 4, arbitrary: of(...stable(stored)) },
  { weight: 1, arbitrary: of(...stored) },
);

const named = objectOf;

/** A valid object, small or full, with the names of the case. */
export function validObject(kind: Kind, full: boolean, suffix = 'a'): JsonObject {
  const least = named(kind, suffix) ?? {};
  const most = full ? fullObjects.get(kind.id) : undefined;
  if (!most) return least;
  const metadata = {
    ...(isObject(most['metadata']) && most['metadata']),
    ...(isObject(least['metadata']) && least['metadata']),
  };
  return { ...most, metadata };
}

/** The path of the object that a case begins with. */
export function pathOf(kind: Kind): string {
  const object = named(kind);
  const metadata = isObject(object?.['metadata']) ? object['metadata'] : {};
  return `${collection(kind)}/${String(metadata['name'] ?? '{{id}}-a')}`;
}

export { collection, type Kind };
