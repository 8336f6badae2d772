import {
  CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  type CustomResourceDefinitionVersion,
  deepEqual,
  type JSONSchemaProps,
  validateDns1035Label,
  validateDnsSubdomain,
} from '@keelson/core';
import type { Draft } from '../registry/draft.ts';
import { checkClientConfig } from '../registry/strategies/admission-registration/client-config.ts';
import { checkGiven } from '../registry/strategies/checks.ts';
import { type FieldErrors, strategyFor } from '../registry/strategy.ts';
import { hollowMember, noteHollow } from '../schema/index.ts';
import { checkVersionSchema } from './check-version-schema.ts';
import { approvalAnnotation, approvalOf, finding, isProtectedGroup, isTrue, withConditions } from './crd-conditions.ts';
import { checkColumn, checkSelectableFields } from './printer-columns.ts';
import { holdsDefault } from './schema-defaults.ts';
import { asGiven, schemaShown } from './schema-shown.ts';
import { unknownFormatWarnings } from './unknown-formats.ts';

export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export const crdStrategy = strategyFor(CustomResourceDefinition, {
  generation: 'spec',
  unconditionalUpdate: false,
  nameRule(name, { spec }, old) {
    const own =
      old || name === `${spec.names?.plural}.${spec.group}` ? [] : ['must be spec.names.plural+"."+spec.group'];
    return [...validateDnsSubdomain(name), ...own];
  },
  beginDeletion(object, _options, now) {
    const { metadata, status } = object;
    metadata.deletionTimestamp ??= now;
    const finalizers = metadata.finalizers ?? [];
    if (!finalizers.includes(cleanupFinalizer)) metadata.finalizers = [...finalizers, cleanupFinalizer];
    const message = 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon';
    const terminating = finding('Terminating', 'True', 'InstanceDeletionPending', message);
    object.status = { ...status, conditions: withConditions(status?.conditions, [terminating], now) };
  },
  warnings: unknownFormatWarnings,
  defaults({ spec, status }) {
    const { names } = spec;
    if (status && !status.storedVersions?.length) {
      const storage = (spec.versions ?? []).flatMap((each) => (each.storage ? [each.name] : []));
      if (storage.length > 0) status.storedVersions = storage;
    }
    if (names?.kind) {
      names.singular ||= names.kind.toLowerCase();
      names.listKind ||= `${names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service) service.port ??= 443;
    for (const version of spec.versions ?? []) {
      for (const column of version.additionalPrinterColumns ?? []) {
        if (column.priority === 0) delete column.priority;
      }
    }
  },
  prepareCreate(object) {
    dropUnreadItems(object);
    const storage = storageVersion(object);
    if (storage !== undefined) object.status = { ...object.status, storedVersions: [storage] };
  },
  prepareUpdate(object, old) {
    // They count as a change although they are not kept.
    if (dropUnreadItems(object)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
    const storage = storageVersion(object);
    const stored = object.status?.storedVersions ?? [];
    if (storage !== undefined && object.status && !stored.includes(storage)) {
      object.status = { ...object.status, storedVersions: [...stored, storage] };
    }
  },
  validate(object, errors, old) {
    const { spec } = object;
    if (!spec.group) errors.required('spec.group');
    else {
      errors.rule('spec.group', spec.group, validateDnsSubdomain(spec.group));
      if (validateDnsSubdomain(spec.group).length === 0 && !spec.group.includes('.'))
        errors.invalid('spec.group', spec.group, 'should be a domain with at least one dot');
    }
    checkGiven('spec.scope', spec.scope, ['Cluster', 'Namespaced'], errors);
    const versions = spec.versions ?? (hollowMember(spec, 'versions') ? [] : undefined);
    validateVersions(versions, spec.preserveUnknownFields === true, errors);
    if (spec.names) validateNames(spec.names, errors);
    validateShared(spec.versions ?? [], errors);
    if (spec.conversion) validateConversion(spec.conversion, spec.preserveUnknownFields === true, errors);
    if (old) checkImmutable(object, old, errors);
    checkStored(object, errors);
    checkApproval(object, old, errors);
    if (spec.preserveUnknownFields) {
      const why =
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
      errors.invalid('spec.preserveUnknownFields', true, why);
    }
  },
  prepareStatusUpdate({ status }) {
    // It is stored as it was given, unlike lists of other kinds.
    if (status && hollowMember(status, 'conditions') !== undefined) status.conditions ??= [];
  },
  validateStatusUpdate({ status }, _old, errors) {
    if (status?.acceptedNames) checkNames(status.acceptedNames, 'status.acceptedNames', errors);
  },
  // What the server itself says in the status.
  validateSubresource: () => undefined,
});

/** The name of the first version that is stored; empty where it has none yet. */
function storageVersion({ spec }: Pick<CustomResourceDefinition, 'spec'>): string | undefined {
  const found = spec.versions?.find((each) => each.storage);
  return found && (found.name ?? '');
}

function checkApproval(
  { metadata, spec }: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  errors: FieldErrors,
): void {
  if (!isProtectedGroup(spec.group)) return;
  const text = metadata.annotations?.[approvalAnnotation];
  const state = approvalOf(text);
  if (old && approvalOf(old.metadata.annotations?.[approvalAnnotation]) === state) return;
  const at = `metadata.annotations[${approvalAnnotation}]`;
  const why = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const where = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (state === 'missing') errors.required(at, `${why}, ${where}`);
  if (state === 'invalid') {
    errors.invalid(at, text, `${why} with either a URL or a reason starting with "unapproved", ${where}`);
  }
}

/** Items that are neither a schema nor a list of them, which Go reads as nothing, are not kept; whether there were any. */
function dropUnreadItems({ spec }: Draft<CustomResourceDefinition>): boolean {
  return (spec.versions ?? [])
    .map(({ schema }) => (schema?.openAPIV3Schema ? dropItems(schema.openAPIV3Schema) : false))
    .includes(true);
}

function dropItems(schema: Draft<JSONSchemaProps>): boolean {
  const { items: given, additionalProperties: values } = schema;
  const unread = given === null || (Array.isArray(given) && given.length === 0);
  if (unread) {
    delete schema.items;
    // Messages show that something was there.
    noteHollow(schema, 'items', given);
  }
  const { items } = schema;
  const below = [
    ...(Array.isArray(items) ? items : [items]),
    typeof values === 'object' ? values : undefined,
    schema.not,
    ...(schema.allOf ?? []),
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...Object.values(schema.properties ?? {}),
  ];
  return below.map((each) => (each ? dropItems(each) : false)).includes(true) || unread;
}

function checkImmutable({ spec }: CustomResourceDefinition, old: CustomResourceDefinition, errors: FieldErrors): void {
  const check = (field: string, value: string | undefined, before: string | undefined) => {
    if (value !== before) errors.invalid(field, value ?? '', 'field is immutable');
  };
  if (isTrue(old, 'Established')) {
    check('spec.scope', spec.scope, old.spec.scope);
    check('spec.names.kind', spec.names?.kind, old.spec.names.kind);
  }
  check('spec.group', spec.group, old.spec.group);
  check('spec.names.plural', spec.names?.plural, old.spec.names.plural);
}

function checkStored({ spec, status }: CustomResourceDefinition, errors: FieldErrors): void {
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) {
    errors.invalid('status.storedVersions', null, 'must have at least one stored version');
    return;
  }
  const left = new Map(stored.map((each, index) => [each, index]));
  for (const { name = '', storage } of spec.versions ?? []) {
    if (storage && !left.has(name)) {
      errors.invalid('status.storedVersions', stored, `must have the storage version ${name}`);
    }
    left.delete(name);
  }
  for (const [name, index] of left) {
    const why = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    errors.invalid(`status.storedVersions[${index}]`, name, why);
  }
}

function validateVersions(
  given: readonly CustomResourceDefinitionVersion[] | undefined,
  unpruned: boolean,
  errors: FieldErrors,
): void {
  const versions = given ?? [];
  const shared = sharedBy(versions);
  versions.forEach(({ schema }, index) => {
    if (!schema?.openAPIV3Schema) errors.required(`spec.versions[${index}].schema.openAPIV3Schema`);
  });
  if (unpruned && versions.some(({ schema }) => holdsDefault(schema?.openAPIV3Schema))) {
    errors.invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema');
  }
  versions.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    errors.rule(`${at}.name`, version.name, validateDns1035Label(version.name));
    checkDeprecation(version, `${at}.deprecationWarning`, errors);
    checkParts(version, at, (field) => !shared[field], hasStatus(named(versions, version.name) ?? version), errors);
  });
  const refuse = (why: string) => errors.invalid('spec.versions', given && versionsShown(given, shared), why);
  if (new Set(versions.map(({ name }) => name)).size < versions.length) refuse('must contain unique version names');
  if (versions.filter(({ storage }) => storage).length !== 1) {
    refuse('must have exactly one version marked as storage version');
  }
  const first = versions[0]?.name;
  if (first) errors.rule('spec.version', first, validateDns1035Label(first));
}

/** Kubernetes hoists what all versions share, and names it by the old place. */
function validateShared([first, ...others]: readonly CustomResourceDefinitionVersion[], errors: FieldErrors): void {
  if (!first) return;
  const shared = sharedBy([first, ...others]);
  checkParts(first, 'spec', (field) => shared[field], [first, ...others].some(hasStatus), errors);
}

const hasStatus = ({ subresources }: CustomResourceDefinitionVersion) => subresources?.status !== undefined;

/** Of several versions of one name the first one says whether the status is apart. */
const named = (versions: readonly CustomResourceDefinitionVersion[], name: string) =>
  versions.find((each) => each.name === name);

/** The parts of a version that are looked at here: its own, or those of all. */
function checkParts(
  version: CustomResourceDefinitionVersion,
  at: string,
  looksAt: (field: Hoisted) => boolean,
  statusApart: boolean,
  errors: FieldErrors,
): void {
  const hoisted = at === 'spec';
  const schema = version.schema?.openAPIV3Schema;
  const schemaAt = `${at}.${hoisted ? 'validation' : 'schema'}.openAPIV3Schema`;
  if (schema && looksAt('schema')) checkVersionSchema(schema, schemaAt, statusApart, errors);
  const scale = looksAt('subresources') ? version.subresources?.scale : undefined;
  if (scale) {
    const here = `${at}.subresources.scale`;
    checkPath(`${here}.specReplicasPath`, scale.specReplicasPath, 'spec', errors);
    checkPath(`${here}.statusReplicasPath`, scale.statusReplicasPath, 'status', errors);
    if (scale.labelSelectorPath) checkSelectorPath(`${here}.labelSelectorPath`, scale.labelSelectorPath, errors);
  }
  if (looksAt('additionalPrinterColumns')) {
    version.additionalPrinterColumns?.forEach((column, place) => {
      checkColumn(column, `${at}.additionalPrinterColumns[${place}]`, errors);
    });
  }
  const fieldsAlone = looksAt('selectableFields') && (version.selectableFields?.length ?? 0) > 0 && !looksAt('schema');
  if (fieldsAlone) {
    const why =
      at === 'spec'
        ? 'may only be set when validations.schema is included'
        : 'may only be set when `version.schema.openAPIV3Schema` is not included';
    errors.invalid(`${at}.selectableFields`, '', why);
  } else if (looksAt('selectableFields')) {
    checkSelectableFields(version.selectableFields, schema, `${at}.selectableFields`, errors);
  }
}

function checkSelectorPath(field: string, path: string, errors: FieldErrors): void {
  if (!path.startsWith('.')) errors.invalid(field, path, 'must be a simple json path starting with .');
  else if (!/^\.(spec|status)\./.test(path)) {
    errors.invalid(field, path, 'should be a json path under either .spec or .status');
  }
}

function checkPath(field: string, path: string | undefined, below: 'spec' | 'status', errors: FieldErrors): void {
  if (!path) errors.required(field);
  else if (!path.startsWith('.')) errors.invalid(field, path, 'must be a simple json path starting with .');
  else if (!path.startsWith(`.${below}.`)) errors.invalid(field, path, `should be a json path under .${below}`);
}

function checkDeprecation(
  { deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion,
  at: string,
  errors: FieldErrors,
): void {
  if (text === undefined) return;
  if (!deprecated) {
    errors.invalid(at, text, 'can only be set for deprecated versions');
    return;
  }
  if (text === '') errors.invalid(at, text, 'must not be an empty string');
  if (Buffer.byteLength(text) > 256) errors.invalid(at, text, 'must be <= 256 characters long');
  const found = text.search(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
  if (found >= 0) {
    const index = Buffer.byteLength(text.slice(0, found));
    errors.invalid(
      at,
      text,
      `must only contain printable UTF-8 characters; non-printable character found at index ${index}`,
    );
  }
}

type Hoisted = 'schema' | 'subresources' | 'additionalPrinterColumns' | 'selectableFields';
type Shared = Readonly<Record<Hoisted, boolean>>;

/** What all versions have in common stands once in the internal type, field by field. */
function sharedBy(versions: readonly CustomResourceDefinitionVersion[]): Shared {
  const same = (field: Hoisted) => versions.every((each) => deepEqual(each[field], versions[0]?.[field]));
  return {
    schema: same('schema'),
    subresources: same('subresources'),
    additionalPrinterColumns: same('additionalPrinterColumns'),
    selectableFields: same('selectableFields'),
  };
}

function subresourcesShown(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return null;
  const { status, scale } = given as NonNullable<CustomResourceDefinitionVersion['subresources']>;
  return {
    Status: status ?? null,
    Scale: scale
      ? {
          SpecReplicasPath: scale.specReplicasPath,
          StatusReplicasPath: scale.statusReplicasPath,
          LabelSelectorPath: scale.labelSelectorPath ?? null,
        }
      : null,
  };
}

function columnsShown(given: unknown): unknown {
  if (!Array.isArray(given)) return null;
  const columns: NonNullable<CustomResourceDefinitionVersion['additionalPrinterColumns']> = given;
  return columns.map(({ name, type, format = '', description = '', priority = 0, jsonPath }) => ({
    Name: name,
    Type: type,
    Format: format,
    Description: description,
    Priority: priority,
    JSONPath: jsonPath,
  }));
}

function fieldsShown(given: unknown): unknown {
  if (!Array.isArray(given)) return null;
  const fields: NonNullable<CustomResourceDefinitionVersion['selectableFields']> = given;
  return fields.map(({ jsonPath }) => ({ JSONPath: jsonPath }));
}

function schemaOf({ schema }: CustomResourceDefinitionVersion, shared: Shared): unknown {
  if (shared.schema || !schema) return null;
  return { OpenAPIV3Schema: schema.openAPIV3Schema ? schemaShown(asGiven(schema.openAPIV3Schema)) : null };
}

/** As Kubernetes holds them: what all have in common is not with each of them. */
function versionsShown(versions: readonly CustomResourceDefinitionVersion[], shared: Shared): unknown {
  const own = (each: CustomResourceDefinitionVersion, field: Hoisted) => (shared[field] ? null : (each[field] ?? null));
  return versions.map((each) => ({
    Name: each.name ?? '',
    Served: each.served ?? false,
    Storage: each.storage ?? false,
    Deprecated: each.deprecated ?? false,
    DeprecationWarning: each.deprecationWarning ?? null,
    Schema: schemaOf(each, shared),
    Subresources: subresourcesShown(own(each, 'subresources')),
    AdditionalPrinterColumns: columnsShown(own(each, 'additionalPrinterColumns')),
    SelectableFields: fieldsShown(own(each, 'selectableFields')),
  }));
}

type Conversion = NonNullable<CustomResourceDefinition['spec']['conversion']>;

function validateConversion({ strategy, webhook }: Conversion, unpruned: boolean, errors: FieldErrors): void {
  const at = 'spec.conversion';
  if (unpruned && strategy !== 'None') {
    errors.invalid(`${at}.strategy`, strategy, 'must be None if spec.preserveUnknownFields is true');
  }
  checkGiven(`${at}.strategy`, strategy, ['None', 'Webhook'], errors);
  if (strategy !== 'Webhook' && webhook) {
    const why = 'should not be set when strategy is not set to Webhook';
    if (webhook.clientConfig) errors.forbidden(`${at}.webhookClientConfig`, why);
    if (webhook.conversionReviewVersions?.length) errors.forbidden(`${at}.conversionReviewVersions`, why);
  }
  if (strategy !== 'Webhook') return;
  const { clientConfig, conversionReviewVersions: versions } = webhook ?? {};
  if (!clientConfig) errors.required(`${at}.webhookClientConfig`, 'required when strategy is set to Webhook');
  else checkClientConfig(clientConfig, `${at}.webhookClientConfig`, errors);
  validateReviewVersions(versions ?? [], `${at}.conversionReviewVersions`, errors);
}

function validateReviewVersions(versions: readonly string[], at: string, errors: FieldErrors): void {
  const accepted = ['v1', 'v1beta1'];
  if (versions.length === 0) {
    errors.required(at);
    return;
  }
  const seen = new Set<string>();
  versions.forEach((each, index) => {
    if (seen.has(each)) errors.invalid(`${at}[${index}]`, each, 'duplicate version');
    seen.add(each);
    errors.rule(`${at}[${index}]`, each, validateDns1035Label(each));
  });
  if (!versions.some((each) => accepted.includes(each))) {
    errors.invalid(at, versions, 'must include at least one of v1, v1beta1');
  }
}

function validateNames(names: CustomResourceDefinitionNames, errors: FieldErrors): void {
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if (!names[field]) errors.required(`spec.names.${field}`);
  }
  checkNames(names, 'spec.names', errors);
}

function checkNames(names: CustomResourceDefinitionNames, at: string, errors: FieldErrors): void {
  const { plural, singular, kind, listKind } = names;
  if (plural) errors.rule(`${at}.plural`, plural, validateDns1035Label(plural));
  if (singular) errors.rule(`${at}.singular`, singular, validateDns1035Label(singular));
  for (const [field, value] of [
    ['kind', kind],
    ['listKind', listKind],
  ] as const) {
    for (const each of value ? validateDns1035Label(value.toLowerCase()) : []) {
      errors.invalid(`${at}.${field}`, value, `may have mixed case, but should otherwise match: ${each}`);
    }
  }
  names.shortNames?.forEach(
    (each, index) => void errors.rule(`${at}.shortNames[${index}]`, each, validateDns1035Label(each)),
  );
  if (kind && kind === listKind) errors.invalid(`${at}.listKind`, listKind, 'kind and listKind may not be the same');
  names.categories?.forEach(
    (each, index) => void errors.rule(`${at}.categories[${index}]`, each, validateDns1035Label(each)),
  );
}
