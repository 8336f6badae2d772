import { RuntimeClass, type Toleration, validateDnsLabel } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { checkLabels } from './checks.ts';
import { goValue } from './go-value.ts';
import { validateResources } from './pods/resource-validation.ts';
import { validateTolerations } from './pods/scheduling-validation.ts';

const none: ReadonlySet<string> = new Set();

function checkOverhead(podFixed: Readonly<Record<string, string>> | undefined, errors: FieldErrors): void {
  if (podFixed) validateResources({ limits: podFixed }, none, 'overhead', errors);
}

function checkTolerations(tolerations: readonly Toleration[], errors: FieldErrors): void {
  const at = 'scheduling.tolerations';
  validateTolerations(tolerations, at, errors);
  tolerations.forEach((each, index) => {
    if (tolerations.slice(0, index).some((before) => isSame(before, each))) {
      errors.duplicate(`${at}[${index}]`, goValue('io.k8s.api.core.v1.Toleration', each));
    }
  });
}

/** For how long something is tolerated does not tell two tolerations apart. */
const isSame = (one: Toleration, other: Toleration) =>
  (['key', 'operator', 'value', 'effect'] as const).every((field) => (one[field] ?? '') === (other[field] ?? ''));

export const runtimeClass = strategyFor(RuntimeClass, {
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate(object, errors) {
    const { handler = '', scheduling } = object;
    errors.rule('handler', handler, validateDnsLabel(handler));
    checkOverhead(object.overhead?.podFixed, errors);
    if (!scheduling) return;
    checkLabels(scheduling.nodeSelector, 'scheduling.nodeSelector', errors);
    checkTolerations(scheduling.tolerations ?? [], errors);
  },
  validateUpdate(object, old, errors) {
    if (object.handler !== old.handler) errors.invalid('handler', object.handler ?? '', 'field is immutable');
  },
});
