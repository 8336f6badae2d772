import { deepEqual, StatefulSet, type StatefulSetSpec, validateDnsLabel } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { checkNonNegative } from './checks.ts';
import { validateClaimSpec } from './claim-validation.ts';
import { defaultTemplate } from './pod-defaults.ts';
import { checkReplicaTemplate, checkSelectorGiven } from './replica-templates.ts';

function checkUpdateStrategy({ updateStrategy }: StatefulSetSpec, errors: FieldErrors): void {
  const at = 'spec.updateStrategy';
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (!type) errors.required(at);
  else if (type === 'OnDelete') {
    if (rollingUpdate) {
      errors.invalid(
        `${at}.rollingUpdate`,
        shownRollingUpdate(rollingUpdate),
        "only allowed for updateStrategy 'RollingUpdate'",
      );
    }
  } else if (type === 'RollingUpdate') {
    if (!rollingUpdate) return;
    checkNonNegative(`${at}.rollingUpdate.partition`, rollingUpdate.partition ?? 0, errors);
  } else {
    const shown = { Type: type, RollingUpdate: rollingUpdate ? shownRollingUpdate(rollingUpdate) : null };
    errors.invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

const shownRollingUpdate = (each: { readonly partition?: number; readonly maxUnavailable?: number | string }) => ({
  Partition: each.partition ?? 0,
  MaxUnavailable: each.maxUnavailable ?? null,
});

function checkRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec, errors: FieldErrors): void {
  const at = 'spec.persistentVolumeClaimRetentionPolicy';
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const value = policy?.[field];
    if (value !== 'Retain' && value !== 'Delete')
      errors.notSupported(`${at}.${field}`, value ?? '', ['Retain', 'Delete']);
  }
}

/** The template as its pods get it: with a volume for each of their claims, in place of any of that name. */
function withClaims({ template, volumeClaimTemplates: claims }: StatefulSetSpec): StatefulSetSpec['template'] {
  if (!template?.spec || !claims?.length) return template;
  const names = new Set(claims.map(({ metadata }) => metadata?.name ?? ''));
  const volumes = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (template.spec.volumes ?? []).filter((each) => !names.has(each.name));
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...others] } };
}

const untyped = (claims: StatefulSetSpec['volumeClaimTemplates']) =>
  (claims ?? []).map(({ kind: _kind, apiVersion: _version, ...rest }) => rest);

const changeable = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

const onlyTheseChange =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

/** The alpha gate MaxUnavailableStatefulSet is off by default. */
function dropGated({ spec }: Draft<StatefulSet>): void {
  if (spec.updateStrategy?.rollingUpdate) delete spec.updateStrategy.rollingUpdate.maxUnavailable;
}

export const statefulSet = strategyFor(StatefulSet, {
  generation: 'spec',
  nameRule: validateDnsLabel,
  defaults({ spec }) {
    spec.podManagementPolicy ||= 'OrderedReady';
    spec.updateStrategy ??= {};
    if (!spec.updateStrategy.type) {
      spec.updateStrategy.type = 'RollingUpdate';
      spec.updateStrategy.rollingUpdate ??= {};
    }
    if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) {
      spec.updateStrategy.rollingUpdate.partition ??= 0;
    }
    spec.persistentVolumeClaimRetentionPolicy ??= {};
    spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
    spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    defaultTemplate(spec.template);
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.kind ??= 'PersistentVolumeClaim';
      claim.apiVersion ??= 'v1';
      claim.spec.volumeMode ??= 'Filesystem';
      claim.status = { ...claim.status, phase: claim.status?.phase || 'Pending' };
    }
  },
  prepareCreate(object) {
    dropGated(object);
    object.status = { replicas: 0, availableReplicas: 0 };
  },
  prepareUpdate: (object) => dropGated(object),
  validate({ spec }, errors, old) {
    const policy = spec.podManagementPolicy;
    if (!policy) errors.required('spec.podManagementPolicy');
    else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
      errors.invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'");
    }
    checkUpdateStrategy(spec, errors);
    checkRetention(spec, errors);
    (old ? [] : (spec.volumeClaimTemplates ?? [])).forEach((claim, index) => {
      validateClaimSpec(claim.spec, `spec.volumeClaimTemplates[${index}].spec`, errors);
    });
    checkNonNegative('spec.replicas', spec.replicas, errors);
    checkNonNegative('spec.minReadySeconds', spec.minReadySeconds, errors);
    checkNonNegative('spec.ordinals.start', spec.ordinals?.start, errors);
    if (!old && spec.serviceName) errors.rule('spec.serviceName', spec.serviceName, validateDnsLabel(spec.serviceName));
    checkSelectorGiven(spec.selector, 'statefulset', errors);
    checkReplicaTemplate(spec.selector, withClaims(spec), errors, old?.spec.template, 'StatefulSet');
  },
  validateUpdate({ spec }, { spec: old }, errors) {
    const kept: Record<string, unknown> = { ...spec };
    kept['volumeClaimTemplates'] = untyped(spec.volumeClaimTemplates);
    for (const field of changeable) kept[field] = old[field];
    if (!deepEqual(kept, { ...kept, ...old, volumeClaimTemplates: untyped(old.volumeClaimTemplates) }))
      errors.forbidden('spec', onlyTheseChange);
  },
  warnings({ spec }) {
    if ((spec.revisionHistoryLimit ?? 0) >= 0) return [];
    return [
      'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
    ];
  },
  validateStatusUpdate({ status }, old, errors) {
    const {
      replicas = 0,
      readyReplicas = 0,
      currentReplicas = 0,
      updatedReplicas = 0,
      availableReplicas = 0,
      observedGeneration,
      collisionCount,
    } = status ?? {};
    const counts = { replicas, readyReplicas, currentReplicas, updatedReplicas, availableReplicas };
    for (const [field, value] of Object.entries(counts)) checkNonNegative(`status.${field}`, value, errors);
    checkNonNegative('status.observedGeneration', observedGeneration, errors);
    checkNonNegative('status.collisionCount', collisionCount, errors);
    for (const field of ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const) {
      if (counts[field] > replicas) {
        errors.invalid(`status.${field}`, counts[field], 'cannot be greater than status.replicas');
      }
    }
    if (availableReplicas > readyReplicas) {
      errors.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas');
    }
    const before = old.status?.collisionCount;
    if (before !== undefined && (collisionCount ?? -1) < before) {
      errors.invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented');
    }
  },
});
