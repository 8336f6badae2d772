import { Namespace, validateDnsLabel, validateQualifiedName, wellKnown } from '@keelson/core';
import { type FieldErrors, strategyFor } from '../strategy.ts';

const standard = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

function checkFinalizers(finalizers: readonly string[] | undefined, errors: FieldErrors): void {
  finalizers?.forEach((each) => {
    errors.rule('spec.finalizers', each, validateQualifiedName(each));
    if (!each.includes('/') && !standard.has(each)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      errors.invalid('spec.finalizers', each, why);
    }
  });
}

export const namespaceStrategy = strategyFor(Namespace, {
  metadataFindings: { update: 4 },
  nameRule: validateDnsLabel,
  defaults(object) {
    if (!object.metadata.name) return;
    object.metadata.labels = { ...object.metadata.labels, [wellKnown.namespaceNameLabel]: object.metadata.name };
  },
  prepareCreate(object) {
    object.status = { phase: 'Active' };
    const given = object.spec?.finalizers ?? [];
    const own = given.includes(wellKnown.kubernetesFinalizer) ? [] : [wellKnown.kubernetesFinalizer];
    object.spec = { ...object.spec, finalizers: [...given, ...own] };
    object.metadata.labels = { ...object.metadata.labels, [wellKnown.namespaceNameLabel]: object.metadata.name };
  },
  prepareUpdate(object, old) {
    object.spec = { finalizers: [...(old.spec?.finalizers ?? [])] };
  },
  validate: ({ spec }, errors) => checkFinalizers(spec?.finalizers, errors),
  validateSubresource(_subresource, { spec }, _old, errors) {
    checkFinalizers(spec?.finalizers, errors);
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
