import type { CelLibrary } from '../contract.ts';
import { boolType, listType, paramType } from '../standard-types.ts';
import type { CelList } from '../value.ts';
import { added, type CallCost, fixed, multiplied, sizeEstimate, sizeOf } from './cost-rules.ts';
import { call, named } from './declare.ts';
import { ValueSet } from './equality.ts';

/** Each element is compared with each, `rounds` times. */
function pairsCost(rounds: 1 | 2): CallCost {
  return {
    estimate: ([left, right]) => {
      const pairs = multiplied(sizeEstimate(left), sizeEstimate(right));
      return { cost: added(fixed(1), multiplied(pairs, fixed(rounds))) };
    },
    cost: ([left, right]) => 1 + rounds * sizeOf(left) * sizeOf(right),
  };
}

function contains(list: CelList, wanted: CelList): boolean {
  const all = ValueSet.of(list);
  for (let index = 0; index < wanted.size; index++) if (!all.has(wanted.at(index))) return false;
  return true;
}

function intersects(left: CelList, right: CelList): boolean {
  const all = ValueSet.of(right);
  for (let index = 0; index < left.size; index++) if (all.has(left.at(index))) return true;
  return false;
}

const list = listType(paramType('T'));

/** cel-go's lists as sets: https://pkg.go.dev/github.com/google/cel-go/ext#Sets */
export const setsLibrary: CelLibrary = {
  name: 'cel.lib.ext.sets',
  functions: [
    named('sets.contains', call('list_sets_contains_list', [list, list], boolType, contains, pairsCost(1))),
    named(
      'sets.equivalent',
      call(
        'list_sets_equivalent_list',
        [list, list],
        boolType,
        (left, right) => contains(left, right) && contains(right, left),
        pairsCost(2),
      ),
    ),
    named('sets.intersects', call('list_sets_intersects_list', [list, list], boolType, intersects, pairsCost(1))),
  ],
};
