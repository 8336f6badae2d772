import type { KubernetesObject } from '@keelson/core';
import type { Conversion } from './conversion-contract.ts';
import { asJson, draftJson, isObject, type Json, type ObjectDraft } from './draft.ts';

/**
 * resource.k8s.io/v1beta1 differs from what came after it in two places: a request for a device carried its details
 * itself (now in `exactly`), and those of a device stood in `basic` (now in the device itself).
 */

type Change = (value: Json) => Json;

const mapped = (value: unknown, change: Change): unknown =>
  Array.isArray(value) ? value.map((each: unknown) => (isObject(each) ? change(each) : each)) : value;

/** The object with what stands at the path changed; the object itself where nothing stands there. */
function at(object: Json, path: readonly string[], change: (value: unknown) => unknown): Json {
  const [name = '', ...rest] = path;
  const own = object[name];
  if (own === undefined) return object;
  if (rest.length === 0) return { ...object, [name]: change(own) };
  return isObject(own) ? { ...object, [name]: at(own, rest, change) } : object;
}

const details = ['selectors', 'allocationMode', 'count', 'adminAccess', 'tolerations', 'capacity'] as const;

function toExact({ name, firstAvailable, ...own }: Json): Json {
  const exact = own['deviceClassName'] !== '' || details.some((each) => own[each] !== undefined);
  return { name, ...(exact && { exactly: own }), ...(firstAvailable !== undefined && { firstAvailable }) };
}

function fromExact({ name, exactly, firstAvailable }: Json): Json {
  const own: Json = isObject(exactly) ? exactly : { deviceClassName: '' };
  return { name, ...own, ...(firstAvailable !== undefined && { firstAvailable }) };
}

const toFlat: Change = ({ name, basic }) => ({ name, ...(isObject(basic) ? basic : {}) });
const fromFlat: Change = ({ name, ...basic }) => ({ name, basic });

/** This version fills in its defaults only where it finds a class: elsewhere nothing is what was asked for. */
const withoutDefaults: Change = (request) => {
  const { exactly } = request;
  if (!isObject(exactly) || exactly['deviceClassName'] !== '') return request;
  return { ...request, exactly: { ...exactly, allocationMode: '', count: 0, ...exactly } };
};

const requests = ['spec', 'devices', 'requests'];
const templateRequests = ['spec', ...requests];

/** v1beta1 had no pointers here: nothing and an empty name, nothing and false were the same. */
function sliceFromStored(object: Json): Json {
  const changed = at(object, ['spec', 'devices'], (value) => mapped(value, fromFlat));
  return at(changed, ['spec'], (value) => {
    if (!isObject(value)) return value;
    const { nodeName, allNodes, ...rest } = value;
    return { ...rest, ...(nodeName ? { nodeName } : {}), ...(allNodes === true && { allNodes }) };
  });
}

const conversionOf = (toStored: Change, fromStored: Change, settle?: Change): Conversion => ({
  ...(settle && { settle: (object: ObjectDraft) => ({ ...settle(draftJson(object)), metadata: object.metadata }) }),
  toStored: (object: ObjectDraft) => ({ ...toStored(draftJson(object)), metadata: object.metadata }),
  fromStored: (object: KubernetesObject) => ({ ...fromStored({ ...asJson(object) }), metadata: object.metadata }),
});

/** By plural; the other kinds of the group have one shape. */
export const resourceConversions: Readonly<Record<string, Conversion>> = {
  resourceclaims: conversionOf(
    (object) => at(object, requests, (value) => mapped(value, toExact)),
    (object) => at(object, requests, (value) => mapped(value, fromExact)),
    (object) => at(object, requests, (value) => mapped(value, withoutDefaults)),
  ),
  resourceclaimtemplates: conversionOf(
    (object) => at(object, templateRequests, (value) => mapped(value, toExact)),
    (object) => at(object, templateRequests, (value) => mapped(value, fromExact)),
    (object) => at(object, templateRequests, (value) => mapped(value, withoutDefaults)),
  ),
  resourceslices: conversionOf(
    (object) => at(object, ['spec', 'devices'], (value) => mapped(value, toFlat)),
    sliceFromStored,
  ),
};
