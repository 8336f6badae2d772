import { deepEqual, validateDnsSubdomain } from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, goQuote, strategyFor } from '../../strategy.ts';
import { goValues } from '../go-value.ts';
import { validateNodeSelector } from '../pods/affinity-validation.ts';
import { checkDriver, checkList, checkName, checkPool, checkQualified } from './device-checks.ts';
import { type Device, type ResourceSlice, resourceSlice } from './types.ts';

type Spec = NonNullable<ResourceSlice['spec']>;

const semantic =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;
const oneOf = '`nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection`';

function checkWhere(spec: Spec, errors: FieldErrors): void {
  const set: string[] = [];
  if (spec.nodeName !== undefined) {
    if (spec.nodeName === '') errors.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string');
    else {
      set.push('`nodeName`');
      errors.rule('spec.nodeName', spec.nodeName, validateDnsSubdomain(spec.nodeName));
    }
  }
  if (spec.nodeSelector) {
    set.push('`nodeSelector`');
    const { nodeSelectorTerms: terms } = spec.nodeSelector;
    validateNodeSelector(spec.nodeSelector, 'spec.nodeSelector', errors);
    if (terms?.length !== 1) {
      const given = hollowMember(spec.nodeSelector, 'nodeSelectorTerms');
      const shown = terms ? goValues('io.k8s.api.core.v1.NodeSelectorTerm', terms) : (given ?? null);
      errors.invalid('spec.nodeSelector.nodeSelectorTerms', shown, 'must have exactly one node selector term');
    }
  }
  if (spec.allNodes !== undefined) {
    if (spec.allNodes) set.push('`allNodes`');
    else errors.invalid('spec.allNodes', false, 'must be either unset or set to true');
  }
  if (set.length === 0) errors.required('spec', `exactly one of ${oneOf} is required`);
  else if (set.length > 1) {
    errors.invalid('spec', `{${set.join(', ')}}`, `exactly one of ${oneOf} is required, but multiple fields are set`);
  }
}

const attributeValue = ({ int, bool, string, version }: Readonly<Record<string, unknown>>) => ({
  IntValue: int ?? null,
  BoolValue: bool ?? null,
  StringValue: string ?? null,
  VersionValue: version ?? null,
});

function checkAttribute(value: Readonly<Record<string, unknown>>, at: string, errors: FieldErrors): void {
  const given = ['bool', 'int', 'string', 'version'].filter((each) => value[each] !== undefined);
  const { string, version } = value;
  if (typeof string === 'string' && string.length > 64) errors.tooLong(`${at}.string`, 64);
  if (typeof version === 'string') {
    if (!semantic.test(version))
      errors.invalid(`${at}.version`, version, 'must be a string compatible with semver.org spec 2.0.0');
    if (version.length > 64) errors.tooLong(`${at}.version`, 64);
  }
  if (given.length !== 1) {
    errors.invalid(at, given.length === 0 ? '' : attributeValue(value), 'exactly one value must be specified');
  }
}

function checkDevice(device: Device, at: string, errors: FieldErrors): void {
  checkName(device.name ?? '', `${at}.name`, errors);
  const attributes = Object.entries(device.attributes ?? {});
  const capacities = Object.keys(device.capacity ?? {});
  const sum = attributes.length + capacities.length;
  if (sum > 32) errors.invalid(at, sum, 'the total number of attributes and capacities must not exceed 32');
  for (const [name, value] of attributes) {
    checkQualified(name, `${at}.attributes[${name}]`, errors);
    checkAttribute(value, `${at}.attributes[${name}]`, errors);
  }
  for (const name of capacities) checkQualified(name, `${at}.capacity[${name}]`, errors);
}

function checkUnchanged(spec: Spec, old: Spec, errors: FieldErrors): void {
  if (spec.pool?.name !== old.pool?.name) errors.invalid('spec.pool.name', spec.pool?.name ?? '', 'field is immutable');
  if (spec.driver !== old.driver) errors.invalid('spec.driver', spec.driver ?? '', 'field is immutable');
  if (spec.nodeName !== old.nodeName) errors.invalid('spec.nodeName', spec.nodeName ?? null, 'field is immutable');
}

function checkSlice(spec: Spec, errors: FieldErrors, old?: Spec): void {
  checkDriver(spec.driver ?? '', 'spec.driver', errors);
  const { name = '', generation = 0, resourceSliceCount: count = 0 } = spec.pool ?? {};
  checkPool(name, 'spec.pool.name', errors);
  if (count <= 0) errors.invalid('spec.pool.resourceSliceCount', count, 'must be greater than zero');
  if (generation < 0) errors.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero');
  if (old) checkUnchanged(spec, old, errors);
  checkWhere(spec, errors);
  const keyOf = (device: Device) => device.name ?? '';
  checkList(spec.devices, 'spec.devices', errors, { most: 128, keyOf }, (device, at) => {
    checkDevice(device, at, errors);
  });
}

/** Fields of alpha gates that are off by default: partitionable devices, taints and binding conditions. */
function dropGated({ spec }: Draft<ResourceSlice>): void {
  if (!spec) return;
  const loose: Record<string, unknown> = spec;
  delete loose['sharedCounters'];
  delete loose['perDeviceNodeSelection'];
  for (const device of spec.devices ?? []) {
    const each: Record<string, unknown> = device;
    for (const capacity of Object.values(device.capacity ?? {})) delete capacity.requestPolicy;
    const gated = ['taints', 'consumesCounters', 'nodeName', 'nodeSelector', 'allNodes'];
    for (const field of [
      ...gated,
      'bindsToNode',
      'bindingConditions',
      'bindingFailureConditions',
      'allowMultipleAllocations',
    ]) {
      delete each[field];
    }
  }
}

export const slice = strategyFor(resourceSlice, {
  prepareCreate(object) {
    object.metadata.generation = 1;
    dropGated(object);
  },
  prepareUpdate(object, old) {
    // Kubernetes counts what it is asked to change, also what it then drops.
    if (!deepEqual(object.spec, old.spec)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    dropGated(object);
  },
  warnings({ spec: { driver = '' } = {} }) {
    if (driver === driver.toLowerCase()) return [];
    return [`spec.driver: driver names should be lowercase; ${goQuote(driver)} contains uppercase characters`];
  },
  validate({ spec }, errors, old) {
    checkSlice(spec ?? {}, errors, old && (old.spec ?? {}));
  },
});
