import type { Json } from './draft.ts';
import type { Kind } from './kind.ts';

/**
 * What a patched document says that it is. `served`: an object of the kind and version that was asked for; `internal`:
 * of the group's own, unversioned form, which is what is left of one without a version.
 */
export type PatchedType = 'served' | 'internal' | { readonly wrong: string };

const scheme = 'in scheme "pkg/runtime/scheme.go:111"';

/** By `apiVersion` and `kind`, which are strings or not there. */
export function typeOfPatched({ served, apiVersion }: Kind, patched: Readonly<Json>): PatchedType {
  const text = String(patched['apiVersion'] ?? '');
  const parts = text.split('/');
  if (parts.length > 2) return { wrong: `unexpected GroupVersion string: ${text}` };
  const [group = '', version = ''] = parts.length === 2 ? parts : ['', ...parts];
  const named = patched['kind'] || served.kind;
  const unversioned = version === '' || version === '__internal';
  if (!served.custom && unversioned && (group === served.group || text === '' || text === '/')) {
    if (named === served.kind) return 'internal';
    const of = JSON.stringify(served.group);
    return {
      wrong: `no kind ${JSON.stringify(named)} is registered for the internal version of group ${of} ${scheme}`,
    };
  }
  const told = group === '' ? version : `${group}/${version}`;
  if (named === served.kind && (told === apiVersion || text === '')) return 'served';
  return { wrong: `no kind ${JSON.stringify(named)} is registered for version ${JSON.stringify(told)} ${scheme}` };
}

/** Fields of the unversioned form have no names in JSON: none of a document is known. */
export const unknownToInternal = (patched: Readonly<Json>): readonly string[] =>
  Object.keys(patched)
    .filter((each) => each !== 'apiVersion' && each !== 'kind')
    .sort()
    .map((each) => `unknown field ${JSON.stringify(each)}`);
