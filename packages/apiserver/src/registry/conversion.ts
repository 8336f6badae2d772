import { autoscaling } from './conversion-autoscaling.ts';
import type { Conversion } from './conversion-contract.ts';
import { resourceConversions } from './conversion-resource.ts';
import { asJson, draftJson, isObject, type Json } from './draft.ts';

export function conversionFor(
  served: { readonly group: string; readonly version: string; readonly resource: string },
  storage: { readonly group: string; readonly version: string },
): Conversion | undefined {
  if (served.group === 'events.k8s.io' && served.resource === 'events') return events;
  if (served.resource === 'horizontalpodautoscalers' && served.version === 'v1' && storage.version === 'v2')
    return autoscaling;
  if (served.group === 'resource.k8s.io' && served.version === 'v1beta1') return resourceConversions[served.resource];
  if (served.resource === 'mutatingadmissionpolicybindings' && served.version === 'v1alpha1') return alphaBindings;
  return undefined;
}

/** The first version of bindings says itself what is done without parameters. */
const alphaBindings: Conversion = {
  toStored(object) {
    const { spec } = draftJson(object);
    const reference = isObject(spec) ? spec['paramRef'] : undefined;
    if (isObject(reference)) reference['parameterNotFoundAction'] ??= 'Deny';
    return object;
  },
  fromStored: (object) => object,
};

/** events.k8s.io/v1 calls the fields of a core/v1 Event differently (KEP-383). */
const eventNames: readonly (readonly [string, string])[] = [
  ['note', 'message'],
  ['regarding', 'involvedObject'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

const events: Conversion = {
  toStored(object) {
    const from = draftJson(object);
    const { metadata, ...rest } = from;
    const result: Json = { ...rest, involvedObject: {}, source: {}, reportingComponent: '', reportingInstance: '' };
    for (const [served, stored] of eventNames) {
      delete result[served];
      if (from[served] !== undefined) result[stored] = from[served];
    }
    if (from['reportingInstance'] !== undefined) result['reportingInstance'] = from['reportingInstance'];
    return { ...result, metadata: object.metadata };
  },
  fromStored(object) {
    const from = asJson(object);
    const result: Json = { ...from };
    for (const [served, stored] of eventNames) {
      delete result[stored];
      if (from[stored] !== undefined) result[served] = from[stored];
    }
    return { ...result, metadata: object.metadata };
  },
};
