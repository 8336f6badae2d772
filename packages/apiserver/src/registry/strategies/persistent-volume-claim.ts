import {
  compareQuantity,
  deepEqual,
  PersistentVolumeClaim,
  type PersistentVolumeClaimSpec,
  type PersistentVolumeClaimStatus,
  validateQualifiedName,
} from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';
import { validateClaimSpec } from './claim-validation.ts';
import { claimWarnings } from './claim-warnings.ts';
import { inGo } from './go-internal.ts';
import { lineDiff } from './pods/line-diff.ts';
import { validateResourceQuantity } from './pods/resource-validation.ts';

const betaClass = 'volume.beta.kubernetes.io/storage-class';
const fixed =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
const goText = (spec: object) => JSON.stringify(inGo('PersistentVolumeClaimSpec', spec), undefined, 1);

/** What the old field can say: another claim, or a snapshot. */
function isOldDataSource({ dataSource }: PersistentVolumeClaimSpec): boolean {
  if (!dataSource) return true;
  const { kind, apiGroup } = dataSource;
  if ((apiGroup ?? '') === '') return kind === 'PersistentVolumeClaim';
  return kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io';
}

/**
 * Other sources in the old field mean nothing, and those of other namespaces are behind a gate: both are dropped, where
 * the claim has no source yet.
 */
function dropDataSources(spec: Draft<PersistentVolumeClaimSpec>, old: PersistentVolumeClaimSpec): void {
  if (!old.dataSourceRef) {
    if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef;
    if (!old.dataSource && !spec.dataSourceRef && !isOldDataSource(spec)) delete spec.dataSource;
  }
  settleDataSources(spec);
}

/** A data source in the old field stands in the new one too, where that field can say it (KEP-1495, KEP-3294). */
export function settleDataSources(spec: Draft<PersistentVolumeClaimSpec>): void {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { namespace: _none, ...rest } = dataSourceRef;
    spec.dataSource = rest;
  }
}

/** From the annotation of old to the field that took its place, which then says the same. */
function takesItsClassFromAnnotation(now: PersistentVolumeClaim, before: PersistentVolumeClaim): boolean {
  const [annotated, still] = [before.metadata.annotations?.[betaClass], now.metadata.annotations?.[betaClass]];
  if (annotated === undefined || before.spec?.storageClassName !== undefined) return false;
  return (still === undefined || still === annotated) && now.spec?.storageClassName === annotated;
}

/** What a claim may become: named, larger, of another class of attributes. */
function validateChange(now: PersistentVolumeClaim, before: PersistentVolumeClaim, errors: FieldErrors): void {
  const [spec, old] = [now.spec ?? {}, before.spec ?? {}];
  const bound = now.status?.phase === 'Bound';
  // Spread, so that what was given and is empty still shows.
  const given: Draft<PersistentVolumeClaimSpec> = { ...(old as Draft<PersistentVolumeClaimSpec>) };
  const wanted: Draft<PersistentVolumeClaimSpec> = { ...(spec as Draft<PersistentVolumeClaimSpec>) };
  if (!old.volumeName && spec.volumeName) given.volumeName = spec.volumeName;
  if (takesItsClassFromAnnotation(now, before)) delete wanted.storageClassName;
  else {
    const beta = now.metadata.annotations?.[betaClass];
    if (beta !== before.metadata.annotations?.[betaClass])
      errors.invalid(`metadata.annotations.${betaClass}`, beta ?? '', 'field is immutable');
    const annotated = before.metadata.annotations?.[betaClass] !== undefined;
    if (!annotated && old.storageClassName === undefined && spec.storageClassName !== undefined)
      delete wanted.storageClassName;
  }
  if (bound) {
    const storage = old.resources?.requests?.['storage'];
    if (wanted.resources?.requests && storage !== undefined)
      wanted.resources = { ...wanted.resources, requests: { ...wanted.resources.requests, storage } };
    if (old.volumeAttributesClassName === undefined) delete wanted.volumeAttributesClassName;
    else wanted.volumeAttributesClassName = old.volumeAttributesClassName;
  }
  if (!deepEqual(wanted, given)) errors.forbidden('spec', `${fixed}\n${lineDiff(goText(given), goText(wanted))}`);
  const [size, least] = [spec.resources?.requests?.['storage'] ?? '0', old.resources?.requests?.['storage'] ?? '0'];
  const capacity = before.status?.capacity?.['storage'] ?? '0';
  if (compareQuantity(size, least) < 0 && compareQuantity(size, capacity) <= 0) {
    errors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
  if (spec.volumeMode !== old.volumeMode) errors.invalid('volumeMode', spec.volumeMode ?? null, 'field is immutable');
  if (bound && old.volumeAttributesClassName !== undefined && spec.volumeAttributesClassName === undefined) {
    errors.forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden');
  }
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** `storage`, or a resource of somebody's own. */
function checkClaimResource(name: string, at: string, errors: FieldErrors): void {
  const sentences = validateQualifiedName(name);
  if (sentences.length > 0) errors.rule(at, name, sentences);
  else if (name !== 'storage' && (!name.includes('/') || name.includes('kubernetes.io/'))) {
    errors.notSupported(at, name, ['storage']);
  }
}

function validateStatus(status: PersistentVolumeClaimStatus, errors: FieldErrors): void {
  for (const [name, value] of Object.entries(status.capacity ?? {})) {
    validateResourceQuantity(name, value, `status.capacity[${name}]`, errors);
  }
  for (const [name, state] of Object.entries(status.allocatedResourceStatuses ?? {})) {
    checkClaimResource(name, 'status.allocatedResourceStatuses', errors);
    // Kubernetes shows the resource where it means the state.
    if (!resizeStates.includes(state)) errors.notSupported('status.allocatedResourceStatuses', name, resizeStates);
  }
  for (const [name, value] of Object.entries(status.allocatedResources ?? {})) {
    checkClaimResource(name, 'status.allocatedResources', errors);
    validateResourceQuantity(name, value, `status.allocatedResources[${name}]`, errors);
  }
}

export const persistentVolumeClaimStrategy = strategyFor(PersistentVolumeClaim, {
  defaults(object) {
    object.spec ??= {};
    object.spec.volumeMode ??= 'Filesystem';
    if (object.status) object.status.phase ||= 'Pending';
  },
  prepareCreate(object) {
    object.status = { phase: 'Pending' };
    dropDataSources(object.spec ?? {}, {});
  },
  prepareUpdate: (object, old) => dropDataSources(object.spec ?? {}, old.spec ?? {}),
  writesFirstUpdate: true,
  validate({ spec = {} }, errors, old) {
    validateClaimSpec(spec, 'spec', errors, {
      selector: old !== undefined && deepEqual(spec.selector, old.spec?.selector),
      // A group that was once taken is not looked at again.
      apiGroup: Boolean(old?.spec?.dataSource?.apiGroup ?? old?.spec?.dataSourceRef?.apiGroup),
    });
  },
  validateUpdate: validateChange,
  validateStatusUpdate: ({ status = {} }, _old, errors) => validateStatus(status, errors),
  warnings({ metadata, spec = {} }) {
    const found: string[] = [];
    if (metadata.annotations?.[betaClass] !== undefined) {
      found.push(`metadata.annotations[${betaClass}]: deprecated since v1.8; use "storageClassName" attribute instead`);
    }
    claimWarnings(spec, 'spec', (text) => void found.push(text));
    return found;
  },
});
