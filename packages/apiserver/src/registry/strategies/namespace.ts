import { Namespace, validateDnsLabel, validateQualifiedName, wellKnown } from '@keelson/core';
import type { Draft } from '../draft.ts';
import { type FieldErrors, strategyFor } from '../strategy.ts';

const standard = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

/** Only who takes finalizers away hears which of them is wrong. */
function checkFinalizers(spec: Namespace['spec'], errors: FieldErrors, part?: 'finalize'): void {
  spec?.finalizers?.forEach((each, index) => {
    const at = part === undefined ? 'spec.finalizers' : `spec.finalizers[${index}]`;
    errors.rule(at, each, validateQualifiedName(each));
    if (!each.includes('/') && !standard.has(each)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.invalid(at, each, why);
    }
  });
}

function labelWithName({ metadata }: Draft<Namespace>): void {
  if (metadata.name) metadata.labels = { ...metadata.labels, [wellKnown.namespaceNameLabel]: metadata.name };
}

export const namespaceStrategy = strategyFor(Namespace, {
  nameRule: validateDnsLabel,
  defaults(object) {
    labelWithName(object);
  },
  prepareCreate(object) {
    object.status = { phase: 'Active' };
    const given = object.spec?.finalizers ?? [];
    const own = given.includes(wellKnown.kubernetesFinalizer) ? [] : [wellKnown.kubernetesFinalizer];
    object.spec = { ...object.spec, finalizers: [...given, ...own] };
    labelWithName(object);
  },
  prepareUpdate(object, old) {
    const held = old.spec?.finalizers ?? [];
    object.spec = held.length > 0 ? { finalizers: [...held] } : {};
  },
  beginDeletion(object, { orphanDependents, propagationPolicy }, now) {
    const { metadata } = object;
    metadata.deletionTimestamp ??= now;
    object.status = { ...object.status, phase: 'Terminating' };
    const before = metadata.finalizers ?? [];
    const has = (finalizer: string, policy: string, old: boolean) => {
      if (orphanDependents !== undefined) return orphanDependents === old;
      return propagationPolicy === undefined ? before.includes(finalizer) : propagationPolicy === policy;
    };
    const wanted = [
      ...(has('orphan', 'Orphan', true) ? ['orphan'] : []),
      ...(has('foregroundDeletion', 'Foreground', false) ? ['foregroundDeletion'] : []),
    ];
    const kept = before.filter((each) => (each !== 'orphan' && each !== 'foregroundDeletion') || wanted.includes(each));
    const after = [...kept, ...wanted.filter((each) => !kept.includes(each))];
    if (after.length === 0) delete metadata.finalizers;
    else metadata.finalizers = after;
  },
  validate: ({ spec }, errors) => checkFinalizers(spec, errors),
  validateSubresource(_subresource, { spec }, _old, errors) {
    checkFinalizers(spec, errors, 'finalize');
  },
  validateStatusUpdate({ metadata, status }, _old, errors) {
    const terminating = status?.phase === 'Terminating';
    if (metadata.deletionTimestamp === undefined) {
      if (status?.phase !== 'Active') {
        const why = "may only be 'Active' if `deletionTimestamp` is empty";
        errors.invalid('status.Phase', status?.phase ?? '', why);
      }
    } else if (!terminating) {
      const why = "may only be 'Terminating' if `deletionTimestamp` is not empty";
      errors.invalid('status.Phase', status?.phase ?? '', why);
    }
  },
});
