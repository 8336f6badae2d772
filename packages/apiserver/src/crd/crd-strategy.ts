import {
  CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  type CustomResourceDefinitionVersion,
  deepEqual,
  validateDns1035Label,
  validateDnsSubdomain,
} from '@keelson/core';
import { checkOneOf } from '../registry/strategies/checks.ts';
import { type FieldErrors, strategyFor } from '../registry/strategy.ts';
import { validateStructure } from './structural-schema.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';
const approval = 'api-approved.kubernetes.io';

export const crdStrategy = strategyFor(CustomResourceDefinition, {
  generation: 'spec',
  unconditionalUpdate: false,
  finalizersOnDelete: [cleanupFinalizer],
  defaults({ spec }) {
    const { names } = spec;
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    for (const version of spec.versions ?? []) {
      for (const column of version.additionalPrinterColumns ?? []) {
        if (column.priority === 0) delete column.priority;
      }
    }
  },
  prepareCreate(object) {
    const storage = object.spec.versions?.find((each) => each.storage)?.name;
    object.status = { acceptedNames: { plural: '', kind: '' }, ...(storage && { storedVersions: [storage] }) };
  },
  prepareUpdate(object) {
    const storage = object.spec.versions?.find((each) => each.storage)?.name;
    const stored = object.status?.storedVersions ?? [];
    if (storage && object.status && !stored.includes(storage)) {
      object.status = { ...object.status, storedVersions: [...stored, storage] };
    }
  },
  validate(object, errors) {
    const { spec, metadata } = object;
    if (metadata.name !== `${spec.names?.plural}.${spec.group}` && metadata.name) {
      errors.invalid('metadata.name', metadata.name, 'must be spec.names.plural+"."+spec.group');
    }
    if (!spec.group) errors.required('spec.group');
    else {
      errors.rule('spec.group', spec.group, validateDnsSubdomain(spec.group));
      if (!spec.group.includes('.'))
        errors.invalid('spec.group', spec.group, 'should be a domain with at least one dot');
      const isProtected = /(^|\.)(k8s|kubernetes)\.io$/.test(spec.group);
      if (isProtected && !metadata.annotations?.[approval]) {
        errors.required(
          `metadata.annotations[${approval}]`,
          `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`,
        );
      }
    }
    checkOneOf('spec.scope', spec.scope, ['Cluster', 'Namespaced'], errors);
    validateVersions(spec.versions ?? [], errors);
    if (spec.names) validateNames(spec.names, errors);
    if (spec.conversion) checkOneOf('spec.conversion.strategy', spec.conversion.strategy, ['None', 'Webhook'], errors);
    if (!object.status?.storedVersions?.length) {
      errors.invalid('status.storedVersions', null, 'must have at least one stored version');
    }
  },
  validateUpdate({ spec, status }, old, errors) {
    const established = old.status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True');
    if (established) {
      if (spec.scope !== old.spec.scope) errors.invalid('spec.scope', spec.scope, 'field is immutable');
      if (spec.names.kind !== old.spec.names.kind)
        errors.invalid('spec.names.kind', spec.names.kind, 'field is immutable');
    }
    if (spec.group !== old.spec.group) errors.invalid('spec.group', spec.group, 'field is immutable');
    if (spec.names.plural !== old.spec.names.plural) {
      errors.invalid('spec.names.plural', spec.names.plural, 'field is immutable');
    }
    (status?.storedVersions ?? []).forEach((version, index) => {
      if (spec.versions.some((each) => each.name === version)) return;
      errors.invalid(
        `status.storedVersions[${index}]`,
        version,
        `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
      );
    });
  },
  prepareStatusUpdate: () => undefined,
});

function validateVersions(versions: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  const names = new Set<string>();
  let storage = 0;
  const shared = versions.every((each) => deepEqual(each.schema, versions[0]?.schema));
  versions.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    if (version.storage) storage++;
    if (names.has(version.name)) errors.invalid('spec.versions', versions, 'must contain unique version names');
    names.add(version.name);
    errors.rule(`${at}.name`, version.name, validateDns1035Label(version.name));
    const schema = version.schema?.openAPIV3Schema;
    // Kubernetes hoists what all versions share, and names it by the old place.
    const schemaAt = shared ? 'spec.validation.openAPIV3Schema' : `${at}.schema.openAPIV3Schema`;
    if (!schema) errors.required(`${at}.schema.openAPIV3Schema`);
    else if (!shared || index === 0) validateStructure(schema, schemaAt, errors);
    const { scale } = version.subresources ?? {};
    if (scale) {
      const here = shared ? 'spec.subresources.scale' : `${at}.subresources.scale`;
      checkPath(`${here}.specReplicasPath`, scale.specReplicasPath, 'spec', errors);
      checkPath(`${here}.statusReplicasPath`, scale.statusReplicasPath, 'status', errors);
    }
    version.additionalPrinterColumns?.forEach((column, place) => {
      const here = shared ? `spec.additionalPrinterColumns[${place}]` : `${at}.additionalPrinterColumns[${place}]`;
      const types = ['boolean', 'date', 'integer', 'number', 'string'];
      if (!column.name) errors.required(`${here}.name`);
      if (!column.type) errors.required(`${here}.type`, `must be one of ${types.join(',')}`);
      else if (!types.includes(column.type))
        errors.invalid(`${here}.type`, column.type, `must be one of ${types.join(',')}`);
      if (!column.jsonPath) errors.required(`${here}.JSONPath`);
    });
  });
  if (storage !== 1) {
    const shown = versions.length === 0 ? null : versions;
    errors.invalid('spec.versions', shown, 'must have exactly one version marked as storage version');
  }
}

function checkPath(field: string, path: string | undefined, below: 'spec' | 'status', errors: FieldErrors): void {
  if (!path) errors.required(field);
  else if (!/^(\.[A-Za-z_][A-Za-z0-9_-]*)+$/.test(path)) {
    errors.invalid(field, path, 'must be a simple json path starting with .');
  } else if (!path.startsWith(`.${below}.`)) {
    errors.invalid(field, path, `should be a json path under .${below}`);
  }
}

function validateNames(names: CustomResourceDefinitionNames, errors: FieldErrors): void {
  errors.rule('spec.names.plural', names.plural, validateDns1035Label(names.plural ?? ''));
  if (names.singular) errors.rule('spec.names.singular', names.singular, validateDns1035Label(names.singular));
  for (const field of ['kind', 'listKind'] as const) {
    const value = names[field];
    if (!value) {
      if (field === 'kind') errors.required('spec.names.kind');
      continue;
    }
    for (const each of validateDns1035Label(value.toLowerCase())) {
      errors.invalid(`spec.names.${field}`, value, `may have mixed case, but should otherwise match: ${each}`);
    }
  }
  if (names.listKind && names.listKind === names.kind) {
    errors.invalid('spec.names.listKind', names.listKind, 'kind and listKind may not be the same');
  }
  names.shortNames?.forEach(
    (each, index) => void errors.rule(`spec.names.shortNames[${index}]`, each, validateDns1035Label(each)),
  );
}
