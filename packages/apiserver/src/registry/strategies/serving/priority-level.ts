import { deepEqual, PriorityLevelConfiguration, type QueuingConfiguration } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { checkRange } from '../checks.ts';
import { goValue } from '../go-value.ts';
import { resetMetadata } from '../reset-metadata.ts';
import { checkFlowConditions } from './flow-conditions.ts';
import { mandatoryLevels } from './flow-control-defaults.ts';

type Spec = PriorityLevelConfiguration['spec'];

const mostQueues = 10_000_000;
/** Bits of entropy that shuffle sharding may ask of a flow's hash (KEP-1040). */
const mostEntropy = 60;

function entropy(deck: number, hand: number): number {
  let bits = 0;
  for (let each = 0; each < hand; each++) bits += Math.log2(deck - each);
  return bits;
}

function checkQueuing(
  { queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration,
  at: string,
  errors: FieldErrors,
): void {
  if (queueLengthLimit <= 0) errors.invalid(`${at}.queueLengthLimit`, queueLengthLimit, 'must be positive');
  if (queues <= 0) errors.invalid(`${at}.queues`, queues, 'must be positive');
  else if (queues > mostQueues) errors.invalid(`${at}.queues`, queues, `must not be greater than ${mostQueues}`);
  if (handSize <= 0) errors.invalid(`${at}.handSize`, handSize, 'must be positive');
  else if (handSize > queues)
    errors.invalid(`${at}.handSize`, handSize, `should not be greater than queues (${queues})`);
  else if (entropy(queues, handSize) > mostEntropy) {
    const why = `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${mostEntropy}`;
    errors.invalid(`${at}.handSize`, handSize, why);
  }
}

function checkLimited({ limited }: Spec, errors: FieldErrors): void {
  const at = 'spec.limited';
  const { nominalConcurrencyShares: shares, lendablePercent, borrowingLimitPercent, limitResponse } = limited ?? {};
  if (shares !== undefined && shares < 0)
    errors.invalid(`${at}.nominalConcurrencyShares`, shares, 'must be a non-negative integer');
  const { type = '', queuing } = limitResponse ?? {};
  const here = `${at}.limitResponse`;
  if (type === 'Reject') {
    if (queuing) errors.forbidden(`${here}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
  } else if (type === 'Queue') {
    if (!queuing) errors.required(`${here}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
    else checkQueuing(queuing, `${here}.queuing`, errors);
  } else errors.notSupported(`${here}.type`, type, ['Queue', 'Reject']);
  if (lendablePercent !== undefined) checkRange(`${at}.lendablePercent`, lendablePercent, 0, 100, errors);
  if (borrowingLimitPercent !== undefined && borrowingLimitPercent < 0) {
    errors.invalid(
      `${at}.borrowingLimitPercent`,
      borrowingLimitPercent,
      'if specified, must be a non-negative integer',
    );
  }
}

function checkExempt({ exempt }: Spec, errors: FieldErrors): void {
  if (!exempt) return;
  const { nominalConcurrencyShares: shares, lendablePercent } = exempt;
  if (shares !== undefined && shares < 0)
    errors.invalid('spec.exempt.nominalConcurrencyShares', shares, 'must be a non-negative integer');
  if (lendablePercent !== undefined) checkRange('spec.exempt.lendablePercent', lendablePercent, 0, 100, errors);
}

function checkMandatory(name: string, spec: Spec, errors: FieldErrors): boolean {
  const wanted = mandatoryLevels[name];
  if (!wanted) return false;
  if (name === 'exempt') {
    const { exempt: _given, ...rest } = spec;
    const { exempt: _own, ...ours } = wanted;
    if (!deepEqual(rest, ours))
      errors.invalid('spec', shown(spec), `spec of 'exempt' except the 'spec.exempt' field must equal the fixed value`);
    return false;
  }
  if (!deepEqual(spec, wanted)) errors.invalid('spec', shown(spec), `spec of '${name}' must equal the fixed value`);
  return false;
}

const shown = (spec: Spec) => goValue('io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationSpec', spec);

export const priorityLevel = strategyFor(PriorityLevelConfiguration, {
  generation: 'spec',
  defaults({ spec }) {
    if (spec?.exempt) {
      spec.exempt.nominalConcurrencyShares ??= 0;
      spec.exempt.lendablePercent ??= 0;
    }
    if (spec?.type === 'Exempt') spec.exempt ??= { nominalConcurrencyShares: 0, lendablePercent: 0 };
    if (!spec?.limited) return;
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (!queuing) return;
    queuing.handSize ||= 8;
    queuing.queues ||= 64;
    queuing.queueLengthLimit ||= 50;
  },
  prepareStatusUpdate: (object, old) => resetMetadata(object, old),
  validate({ spec, metadata }, errors) {
    const { type = '', limited, exempt } = spec ?? {};
    const name = metadata.name ?? '';
    if ((name === 'exempt') !== (type === 'Exempt')) {
      errors.invalid('spec.type', type, "must be 'Exempt' if and only if `name` is 'exempt'");
    }
    checkMandatory(name, spec ?? {}, errors);
    if (type === 'Exempt') {
      if (limited) errors.forbidden('spec.limited', 'must be nil if the type is not Limited');
      if (exempt) checkExempt(spec, errors);
    } else if (type === 'Limited') {
      if (exempt) errors.forbidden('spec.exempt', 'must be nil if the type is Limited');
      if (!limited) errors.required('spec.limited', 'must not be empty when type is Limited');
      else checkLimited(spec, errors);
    } else errors.notSupported('spec.type', type, ['Exempt', 'Limited']);
  },
  validateStatusUpdate: ({ status }, _old, errors) => checkFlowConditions(status?.conditions, errors),
});
