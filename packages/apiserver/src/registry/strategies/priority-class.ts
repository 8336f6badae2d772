import { PriorityClass } from '@keelson/core';
import { strategyFor } from '../strategy.ts';

const system: Readonly<Record<string, number>> = {
  'system-node-critical': 2000001000,
  'system-cluster-critical': 2000000000,
};
const highest = 1_000_000_000;

export const priorityClass = strategyFor(PriorityClass, {
  prepareCreate({ metadata }) {
    metadata.generation = 1;
  },
  defaults(object) {
    object.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  validate(object, errors, old) {
    if (old) return;
    const { name = '' } = object.metadata;
    const value = object.value ?? 0;
    if (name.startsWith('system-')) {
      if (system[name] !== value) {
        errors.forbidden(
          'metadata.name',
          `priority class names with 'system-' prefix are reserved for system use only. error: ${name === '' || system[name] === undefined ? `${name} is not a known system priority class` : `value of ${name} PriorityClass must be ${system[name]}`}`,
        );
      }
    } else if (value > highest) {
      errors.forbidden('value', `maximum allowed value of a user defined priority is ${highest}`);
    }
    const policy = object.preemptionPolicy;
    if (policy === '') errors.required('preemptionPolicy');
    else if (policy !== undefined && policy !== 'Never' && policy !== 'PreemptLowerPriority') {
      errors.notSupported('preemptionPolicy', policy, ['PreemptLowerPriority', 'Never']);
    }
  },
  validateUpdate(object, old, errors) {
    if (object.value !== old.value) errors.forbidden('value', 'may not be changed in an update.');
    if (object.preemptionPolicy !== old.preemptionPolicy) {
      errors.invalid('preemptionPolicy', object.preemptionPolicy ?? null, 'field is immutable');
    }
  },
});
