import {
  deepEqual,
  Job,
  type JobSpec,
  labelSelectorMatches,
  type PodTemplateSpec,
  validateDnsLabel,
} from '@keelson/core';
import type { Draft } from '../../draft.ts';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { inGo } from '../go-internal.ts';
import { goValue, shownLabels, shownSelector } from '../go-value.ts';
import { isReadable } from '../selectors.ts';
import { checkJobSelector, checkJobSpec, defaultJobSpec, defaultJobTemplate } from './job-spec.ts';
import { checkJobStatus } from './job-status.ts';

const uidLabel = 'batch.kubernetes.io/controller-uid';
const nameLabel = 'batch.kubernetes.io/job-name';
const legacyUidLabel = 'controller-uid';
const legacyNameLabel = 'job-name';

/** Gives the pods labels that no other job's have, and the job a selector for them. */
function generateSelector({ spec, metadata }: Draft<Job>): void {
  if (spec.manualSelector || !spec.template) return;
  const uid = metadata.uid ?? '';
  const template = spec.template.metadata ?? {};
  const labels = {
    [legacyNameLabel]: metadata.name ?? '',
    [nameLabel]: metadata.name ?? '',
    [legacyUidLabel]: uid,
    [uidLabel]: uid,
    ...template.labels,
  };
  // Labels that a job has from its template are one map with the template's in Kubernetes, also after this.
  const { labels: own = {} } = metadata;
  const shared = Object.keys(own).length === 0 || deepEqual(own, template.labels);
  if (shared) metadata.labels = { ...labels };
  Object.assign(spec.template, { metadata: { ...template, labels } });
  const matchLabels = spec.selector?.matchLabels ?? {};
  spec.selector = { ...spec.selector, matchLabels: { [uidLabel]: uid, ...matchLabels } };
}

function checkHasLabel(
  labels: Readonly<Record<string, string>>,
  key: string,
  wanted: string,
  errors: FieldErrors,
): void {
  const at = `spec.template.metadata.labels[${key}]`;
  if (labels[key] === undefined) errors.required(at, `must be '${wanted}'`);
  else if (labels[key] !== wanted) errors.invalid(at, shownLabels({ labels }), `must be '${wanted}'`);
}

function checkGenerated({ spec, metadata }: Job, old: Job | undefined, errors: FieldErrors): void {
  if (spec.manualSelector || !spec.selector) return;
  const { uid = '', name = '' } = metadata;
  const labels = spec.template?.metadata?.labels ?? {};
  checkHasLabel(labels, legacyUidLabel, uid, errors);
  checkHasLabel(labels, legacyNameLabel, name, errors);
  if (!old || old.spec.template?.metadata?.labels?.[nameLabel] !== undefined) {
    checkHasLabel(labels, uidLabel, uid, errors);
    checkHasLabel(labels, nameLabel, name, errors);
  }
  const own = { [legacyUidLabel]: uid, [legacyNameLabel]: name, [uidLabel]: uid, [nameLabel]: name };
  if (isReadable(spec.selector) && !labelSelectorMatches(spec.selector, own))
    errors.invalid('spec.selector', shownSelector(spec.selector), '`selector` not auto-generated');
}

function checkSpec(spec: JobSpec, errors: FieldErrors, old?: JobSpec): void {
  checkJobSpec(spec, 'spec', errors, old);
  checkJobSelector(spec, errors);
  const labels = spec.template?.metadata?.labels;
  // No selector selects nothing.
  const fits = spec.selector && (!isReadable(spec.selector) || labelSelectorMatches(spec.selector, labels));
  if (!fits) {
    errors.invalid(
      'spec.template.metadata.labels',
      shownLabels(spec.template?.metadata),
      '`selector` does not match template `labels`',
    );
  }
}

function checkName({ spec, metadata: { name = '' } }: Job, errors: FieldErrors): void {
  if (spec.completionMode !== 'Indexed' || (spec.completions ?? 0) <= 0) return;
  const last = `${name}-${(spec.completions ?? 1) - 1}`;
  if (validateDnsLabel(last).length > 0) {
    errors.invalid('metadata.name', name, `will not able to create pod with invalid DNS label: ${last}`);
  }
}

interface TemplateLike {
  readonly metadata?: object;
  readonly spec?: { readonly affinity?: object };
}

const scheduling = ['nodeSelector', 'tolerations', 'schedulingGates'] as const;

/** While a job is suspended and has not begun, whoever queues jobs may say where its pods run (KEP-2926). */
function withOldScheduling(template: PodTemplateSpec, old: PodTemplateSpec): TemplateLike {
  const spec: Record<string, unknown> = { ...template.spec };
  for (const field of scheduling) {
    const before = old.spec?.[field];
    if (before === undefined) delete spec[field];
    else spec[field] = before;
  }
  // What the pods are to be near to stays.
  const affinity = { ...template.spec?.affinity, nodeAffinity: old.spec?.affinity?.nodeAffinity };
  if (!affinity.nodeAffinity) delete affinity.nodeAffinity;
  spec['affinity'] = affinity;
  const metadata: Record<string, unknown> = { ...template.metadata };
  for (const field of ['labels', 'annotations'] as const) {
    const before = old.metadata?.[field];
    if (before === undefined) delete metadata[field];
    else metadata[field] = before;
  }
  return { ...template, metadata, spec };
}

function checkTemplateUpdate(job: Job, old: Job, errors: FieldErrors): void {
  const template = job.spec.template;
  const before = old.spec.template;
  if (deepEqual(template, before)) return;
  const movable = old.spec.suspend === true && old.status?.startTime === undefined;
  if (movable && deepEqual(stripped(withOldScheduling(template, before)), stripped(before))) return;
  errors.invalid('spec.template', inGo('PodTemplateSpec', template), 'field is immutable');
}

/** Empty metadata is no metadata, and an empty affinity is none. */
function stripped({ metadata = {}, spec = {} }: TemplateLike): TemplateLike {
  const { affinity = {}, ...rest } = spec;
  return { metadata, spec: Object.keys(affinity).length > 0 ? spec : rest };
}

/** Of an indexed job they change together with the parallelism, of others never (KEP-3715). */
function checkCompletions(spec: JobSpec, old: JobSpec, errors: FieldErrors): void {
  const { completions, parallelism, completionMode } = spec;
  if (completions === old.completions) return;
  if (completionMode !== 'Indexed') errors.invalid('spec.completions', completions ?? null, 'field is immutable');
  else if (completions !== undefined && completions !== parallelism) {
    errors.invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism');
  }
}

const batch = 'io.k8s.api.batch.v1.';

export const job = strategyFor(Job, {
  generation: 'spec',
  orphansByDefault: true,
  deletionWarning:
    'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning',
  defaults({ spec, metadata }) {
    defaultJobTemplate(spec.template);
    defaultJobSpec(spec);
    const labels = spec.template?.metadata?.labels;
    if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  },
  prepareCreate(object) {
    generateSelector(object);
  },
  validate(object, errors, old) {
    checkGenerated(object, old, errors);
    checkSpec(object.spec, errors, old?.spec);
    if (!old) checkName(object, errors);
  },
  validateUpdate(object, previous, errors) {
    const { spec } = object;
    const { spec: old } = previous;
    const stays = (field: keyof JobSpec, definition?: string) => {
      if (deepEqual(spec[field], old[field])) return;
      const value = definition ? goValue(`${batch}${definition}`, spec[field]) : shownSelector(spec[field]);
      errors.invalid(`spec.${field}`, value ?? null, 'field is immutable');
    };
    checkSpec(spec, errors, old);
    checkCompletions(spec, old, errors);
    stays('selector');
    checkTemplateUpdate(object, previous, errors);
    stays('completionMode');
    stays('podFailurePolicy', 'PodFailurePolicy');
    stays('backoffLimitPerIndex');
    stays('managedBy');
    stays('successPolicy', 'SuccessPolicy');
  },
  validateStatusUpdate(object, old, errors) {
    checkJobStatus(object, old, errors);
  },
  warnings(object) {
    const { completions = 0, parallelism = 0, backoffLimitPerIndex, completionMode } = object.spec;
    if (
      completionMode === 'Indexed' &&
      completions > 100_000 &&
      parallelism > 10_000 &&
      backoffLimitPerIndex === undefined
    ) {
      return [
        'In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail',
      ];
    }
    return [];
  },
});
