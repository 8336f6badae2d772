import { type BodyType, whyNotOfKind } from './body-type.ts';
import type { Json } from './draft.ts';
import type { Kind } from './kind.ts';

/**
 * What a patched document says that it is. `served`: an object of the kind and version that was asked for; `internal`:
 * of the group's own, unversioned form, which is what is left of one without a version; or of another version.
 */
export type PatchedType = 'served' | 'internal' | { readonly wrong: string } | Omit<BodyType, 'kind'>;

/** By `apiVersion` and `kind`, which are strings or not there. `shown` is the document as it was read. */
export function typeOfPatched(
  { served, apiVersion }: Pick<Kind, 'served' | 'apiVersion'>,
  patched: Readonly<Json>,
  shown: () => string,
): PatchedType {
  const text = String(patched['apiVersion'] ?? '');
  const parts = text.split('/');
  if (parts.length > 2) return { wrong: `unexpected GroupVersion string: ${text}` };
  const [told = '', version = ''] = parts.length === 2 ? parts : ['', ...parts];
  const kind = String(patched['kind'] || served.kind);
  const groupVersion = told === '' ? version : `${told}/${version}`;
  if (kind === served.kind && (groupVersion === apiVersion || (served.custom && text === ''))) return 'served';
  const unsaid = version === '' && (told === '' || told === served.group);
  const type = unsaid ? { group: served.group, version: '__internal', kind } : { group: told, version, kind };
  const wrong = whyNotOfKind(served, type, patched, shown);
  if (wrong !== undefined) return { wrong };
  return type.version === '__internal' ? 'internal' : { group: type.group, version };
}

/** Fields of the unversioned form have no names in JSON: none of a document is known. */
export const unknownToInternal = (patched: Readonly<Json>): readonly string[] =>
  Object.keys(patched)
    .filter((each) => each !== 'apiVersion' && each !== 'kind')
    .sort()
    .map((each) => `unknown field ${JSON.stringify(each)}`);
