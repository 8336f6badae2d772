import type { CelLibrary } from '../contract.ts';
import { mapType, paramType } from '../standard-types.ts';
import { twoVariableMacros } from '../syntax/standard-macros.ts';
import { CelError, type CelMap, CelUint, type CelValue } from '../value.ts';
import { call, named } from './declare.ts';
import { EntryMap } from './entry-map.ts';

function insert(map: CelMap, key: CelValue, value: CelValue): EntryMap {
  const grown = EntryMap.from(map).with(key, value);
  if (!grown) throw new CelError(`insert failed: key ${key instanceof CelUint ? key.value : key} already exists`);
  return grown;
}

function insertAll(map: CelMap, other: CelMap): EntryMap {
  let grown = EntryMap.from(map);
  for (const key of other.keys()) grown = insert(grown, key, other.get(key) ?? null);
  return grown;
}

const [key, value] = [paramType('K'), paramType('V')];
const map = mapType(key, value);

/** cel-go's macros with two variables: https://pkg.go.dev/github.com/google/cel-go/ext#TwoVarComprehensions */
export const comprehensionLibrary: CelLibrary = {
  name: 'cel.lib.ext.comprev2',
  macros: twoVariableMacros,
  functions: [
    named(
      'cel.@mapInsert',
      call('@mapInsert_map_key_value', [map, key, value], map, insert),
      call('@mapInsert_map_map', [map, map], map, insertAll),
    ),
  ],
};
