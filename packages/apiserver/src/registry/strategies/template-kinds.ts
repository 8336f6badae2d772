import { deepEqual, type KubernetesObject, type PodSpec, type PodTemplateSpec } from '@keelson/core';
import { asJson, type Draft, isObject, type Json } from '../draft.ts';
import type { NamedStrategy, Strategy } from '../strategy.ts';
import { dropGatedPodFields } from './pod-defaults.ts';
import { podTemplateWarnings } from './pods/pod-warnings.ts';
import { podNameWarnings } from './replication-controller.ts';

interface TemplateKind {
  /** Where the template stands; the empty path: the object is a pod itself. */
  readonly path: readonly string[];
  /** What is warned of: the template, before or after what the strategy itself warns of. Default: nothing. */
  readonly warns?: 'before' | 'after';
  /** Whether names of pods are made of its name. */
  readonly named?: boolean;
  /** What has to change for an update to be warned of. Default: the spec. */
  readonly when?: 'template' | 'generation';
}

/** Kinds that have a template of pods in them, by group and resource. */
const kinds: Readonly<Record<string, TemplateKind>> = {
  '/pods': { path: [] },
  '/podtemplates': { path: ['template'] },
  '/replicationcontrollers': { path: ['spec', 'template'] },
  'apps/deployments': { path: ['spec', 'template'], warns: 'before', named: true, when: 'generation' },
  'apps/replicasets': { path: ['spec', 'template'], warns: 'before', named: true },
  'apps/daemonsets': { path: ['spec', 'template'], warns: 'before', when: 'template' },
  'apps/statefulsets': { path: ['spec', 'template'], warns: 'before' },
  'batch/jobs': { path: ['spec', 'template'], warns: 'after', named: true },
  'batch/cronjobs': { path: ['spec', 'jobTemplate', 'spec', 'template'], warns: 'before', named: true },
};

function templateIn(object: Readonly<Json>, path: readonly string[]): Json | undefined {
  let at: unknown = object;
  for (const each of path) at = isObject(at) ? at[each] : undefined;
  return isObject(at) ? at : undefined;
}

/** The schema of the kind has decoded it. */
const templateOf = (object: KubernetesObject, { path }: TemplateKind) =>
  templateIn(asJson(object), path) as PodTemplateSpec | undefined;

function drop(object: KubernetesObject, kind: TemplateKind): void {
  const spec = templateOf(object, kind)?.spec as Draft<PodSpec> | undefined;
  if (spec) dropGatedPodFields(spec);
}

function withTemplate(strategy: Strategy, kind: TemplateKind): Strategy {
  const wrapped: Strategy = {
    ...strategy,
    // After the owners of fields are recorded: who wrote what is dropped owns it, as in Kubernetes.
    prepareCreate(object, context) {
      drop(object, kind);
      strategy.prepareCreate?.(object, context);
    },
    prepareUpdate(object, old, context) {
      drop(object, kind);
      strategy.prepareUpdate?.(object, old, context);
    },
  };
  const { warns, named, when } = kind;
  if (!warns) return wrapped;
  const watched = (object: KubernetesObject) => {
    if (when === 'generation') return object.metadata.generation;
    return when === 'template' ? templateOf(object, kind) : asJson(object)['spec'];
  };
  return {
    ...wrapped,
    warnings(object, old) {
      const own = strategy.warnings?.(object, old) ?? [];
      if (old && deepEqual(watched(object), watched(old))) return own;
      const ofName = named && !old ? podNameWarnings(object.metadata.name) : [];
      const ofTemplate = podTemplateWarnings(templateOf(object, kind), kind.path.join('.'));
      return warns === 'before' ? [...ofName, ...ofTemplate, ...own] : [...ofName, ...own, ...ofTemplate];
    },
  };
}

/** What all kinds with templates of pods have in common, around the strategy of each. */
export function withTemplates(named: NamedStrategy): NamedStrategy {
  const kind = kinds[`${named.group}/${named.resource}`];
  return kind ? { ...named, strategy: withTemplate(named.strategy, kind) } : named;
}
