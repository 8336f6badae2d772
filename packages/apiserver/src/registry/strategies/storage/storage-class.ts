import {
  deepEqual,
  StorageClass,
  type TopologySelectorTerm,
  VolumeAttributesClass,
  validateQualifiedName,
} from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import { type FieldErrors, type NamedStrategy, strategyFor } from '../../strategy.ts';

const mostParameters = 512;
const mostParameterBytes = 256 * 1024;

export function checkProvisioner(provisioner: string, at: string, errors: FieldErrors): void {
  if (provisioner === '') errors.required(at, provisioner);
  else errors.rule(at, provisioner.toLowerCase(), validateQualifiedName(provisioner.toLowerCase()));
}

function checkParameters(
  parameters: Readonly<Record<string, string>> | undefined,
  mayBeEmpty: boolean,
  errors: FieldErrors,
): void {
  const entries = Object.entries(parameters ?? {});
  if (entries.length > mostParameters) errors.tooLong('parameters', mostParameters);
  let size = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.invalid('parameters', '', 'field can not be empty.');
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > mostParameterBytes) errors.tooLong('parameters', mostParameterBytes);
  if (!mayBeEmpty && entries.length === 0) errors.required('parameters', 'must contain at least one key/value pair');
}

function checkTopologies(terms: readonly TopologySelectorTerm[], errors: FieldErrors): void {
  // Kubernetes begins from as many empty terms as there are terms, and says each time that one is like another.
  const seen: unknown[] = terms.map(() => ({}));
  terms.forEach((term, index) => {
    const at = `allowedTopologies[${index}]`;
    const expressions = term.matchLabelExpressions ?? [];
    const keys = new Map<string, readonly string[]>();
    expressions.forEach(({ key = '', values = [] }, place) => {
      const here = `${at}.matchLabelExpressions[${place}]`;
      const list = values ?? [];
      const unique = new Set<string>();
      if (list.length === 0) errors.required(`${here}.values`);
      list.forEach((value, nth) => {
        if (unique.has(value)) errors.duplicate(`${here}.values[${nth}]`, value);
        unique.add(value);
      });
      errors.rule(`${here}.key`, key, validateQualifiedName(key));
      if (keys.has(key)) errors.duplicate(`${here}.key`, key);
      else keys.set(key, [...unique].sort());
    });
    const shape = Object.fromEntries([...keys].sort());
    for (const each of seen) if (deepEqual(each, shape)) errors.duplicate(`${at}.matchLabelExpressions`, '');
    seen.push(shape);
  });
}

const storageClass = strategyFor(StorageClass, {
  defaults(object) {
    object.reclaimPolicy ??= 'Delete';
    object.volumeBindingMode ??= 'Immediate';
  },
  validate(object, errors) {
    checkProvisioner(object.provisioner ?? '', 'provisioner', errors);
    checkParameters(object.parameters, true, errors);
    const { reclaimPolicy = '', volumeBindingMode } = object;
    if (reclaimPolicy !== '' && !['Delete', 'Retain'].includes(reclaimPolicy)) {
      errors.notSupported('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']);
    }
    if (volumeBindingMode === undefined) errors.required('volumeBindingMode');
    else if (!['Immediate', 'WaitForFirstConsumer'].includes(volumeBindingMode)) {
      errors.notSupported('volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
    }
    if (object.allowedTopologies) checkTopologies(object.allowedTopologies, errors);
  },
  validateUpdate(object, old, errors) {
    const emptied = hollowMember(object, 'parameters') !== undefined;
    if (emptied || !deepEqual(object.parameters, old.parameters))
      errors.forbidden('parameters', 'updates to parameters are forbidden.');
    if (object.provisioner !== old.provisioner)
      errors.forbidden('provisioner', 'updates to provisioner are forbidden.');
    if (object.reclaimPolicy !== old.reclaimPolicy) {
      errors.forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.');
    }
    if (object.volumeBindingMode !== old.volumeBindingMode) {
      errors.invalid('volumeBindingMode', object.volumeBindingMode ?? null, 'field is immutable');
    }
  },
});

const protection = 'kubernetes.io/vac-protection';

const attributesClass = strategyFor(VolumeAttributesClass, {
  prepareCreate({ metadata }) {
    // Who deletes a class that volumes use waits until none does (KEP-3751).
    if (!metadata.finalizers?.includes(protection)) metadata.finalizers = [...(metadata.finalizers ?? []), protection];
  },
  validateFixed(object, old, errors) {
    if (object.driverName !== old.driverName) errors.forbidden('driverName', 'updates to driverName are forbidden.');
    if (!deepEqual(object.parameters, old.parameters)) {
      errors.forbidden('parameters', 'updates to parameters are forbidden.');
    }
  },
  validate(object, errors) {
    checkProvisioner(object.driverName ?? '', 'driverName', errors);
    checkParameters(object.parameters, false, errors);
  },
});

export const storageClassStrategies: readonly NamedStrategy[] = [storageClass, attributesClass];
