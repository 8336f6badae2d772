import { type CelLibrary, overload } from '../contract.ts';
import { EntryMap } from '../library/entry-map.ts';
import { keyText } from '../runtime/lookup.ts';
import { mapType, paramType } from '../standard-types.ts';
import { twoVariableMacros } from '../syntax/standard-macros.ts';
import { CelError, type CelMap, type CelValue } from '../value.ts';

const k = paramType('K');
const v = paramType('V');
const map = mapType(k, v);

function insert(into: CelMap, key: CelValue, value: CelValue): EntryMap {
  const grown = EntryMap.from(into).with(key, value);
  if (!grown) throw new CelError(`insert failed: key ${keyText(key)} already exists`);
  return grown;
}

function insertAll(into: CelMap, entries: CelMap): CelMap {
  let grown = into;
  for (const key of entries.keys()) grown = insert(grown, key, entries.get(key) ?? null);
  return grown;
}

/** Comprehensions of two variables, as cel-go's extension of that name has them. */
export const twoVariableLibrary: CelLibrary = {
  name: 'two-variable-comprehensions',
  macros: twoVariableMacros,
  functions: [
    {
      name: 'cel.@mapInsert',
      overloads: [
        overload({ id: '@mapInsert_map_map', args: [map, map], result: map, implementation: insertAll }),
        overload({ id: '@mapInsert_map_key_value', args: [map, k, v], result: map, implementation: insert }),
      ],
    },
  ],
};
