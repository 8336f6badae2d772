import {
  anyType,
  bindLibrary,
  CelEnvironment,
  type CelType,
  fieldsOf,
  kubernetesLibraries,
  mapType,
  objectType,
  quantityType,
  type SizeEstimate,
  standardLibrary,
  stringType,
} from '../../../cel/index.ts';
import type { FieldErrors } from '../../strategy.ts';

const named = (value: CelType) => mapType(stringType, mapType(stringType, value));

/** A device as selectors see it (KEP-4381): attributes and capacity by domain and name; of an attribute's type nothing is known. */
const deviceType = objectType(
  'kubernetes.DRADevice',
  fieldsOf({ driver: stringType, attributes: named(anyType), capacity: named(quantityType) }),
);

/** Most that a selector may cost by its estimate. */
const mostCost = 1_000_000;
const mostEntries = 32;
const mostOfDomain = 63;
const mostOfName = 32;
const mostOfAttribute = 64;

const sizes: Readonly<Record<string, number>> = {
  device: 0,
  'device/driver': mostOfDomain,
  'device/attributes': mostEntries,
  'device/attributes/@keys': mostOfDomain,
  'device/attributes/@values': mostEntries,
  'device/attributes/@values/@keys': mostOfName,
  'device/attributes/@values/@values': mostOfAttribute,
  'device/capacity': mostEntries,
  'device/capacity/@keys': mostOfDomain,
  'device/capacity/@values': mostEntries,
  'device/capacity/@values/@keys': mostOfName,
};

function sizeOf(path: readonly string[]): SizeEstimate | undefined {
  const [variable, field, domain, name, ...more] = path;
  // Of a domain that was found by an index `x.name` is known as well as `x["name"]`; of `attributes.domain` nothing is.
  const isName = domain === '@values' && name !== undefined && !name.startsWith('@');
  const max = sizes[(isName ? [variable, field, domain, '@values', ...more] : path).join('/')];
  return max === undefined ? undefined : { min: 0, max };
}

/** Where selectors of devices are compiled. */
export const deviceEnvironment = new CelEnvironment({
  libraries: [standardLibrary, ...kubernetesLibraries(), bindLibrary],
  variables: { device: deviceType },
  sizeByPath: sizeOf,
});

/** Says what is wrong with the expression of a selector, in the words of Kubernetes. */
export function checkDeviceExpression(text: string, at: string, errors: FieldErrors): void {
  const compiled = deviceEnvironment.compile(text);
  if (compiled.failure === 'program') errors.internal(at, `program instantiation failed: ${compiled.message}`);
  else if (compiled.failure !== undefined) errors.invalid(at, text, `compilation failed: ${compiled.message}`);
  else if (compiled.type.kind !== 'bool' && compiled.type.kind !== 'any') {
    errors.invalid(at, text, `must evaluate to bool or the unknown type, not ${compiled.type.fullName}`);
  } else if (compiled.cost.max > mostCost) errors.forbidden(at, 'too complex, exceeds cost limit');
}
