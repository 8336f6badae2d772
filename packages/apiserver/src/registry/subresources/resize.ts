import {
  type Container,
  compareQuantity,
  deepEqual,
  type FieldError,
  type KubernetesObject,
  type Pod,
  StatusError,
} from '@keelson/core';
import type { Draft, ObjectDraft } from '../draft.ts';
import { qosClassOf } from '../strategies/pod-qos.ts';

const lists = ['containers', 'initContainers'] as const;

/** pods/resize (KEP-1287): requests and limits of cpu and memory of containers that are there, and how they are resized. */
export function keepResources(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  // The kind is that of the subresource: both have been decoded by its schema.
  const next = wanted as Draft<Pod>;
  const before = structuredClone(old) as Draft<Pod>;
  const errors: FieldError[] = [];
  for (const list of lists) {
    const names = (each: Draft<Pod>) => (each.spec[list] ?? []).map(({ name }) => name);
    if (!deepEqual(names(next), names(before))) {
      throw invalid(old, [forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)]);
    }
    for (const [index, container] of (before.spec[list] ?? []).entries()) {
      const asked = next.spec[list]?.[index];
      if (!asked) continue;
      container.resources = asked.resources ?? {};
      if (asked.resizePolicy) container.resizePolicy = asked.resizePolicy;
    }
  }
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  // The other way round than it is named: `old` still has the resources as they were.
  checkResize(before as Pod, old as Pod, errors);
  if (errors.length > 0) throw invalid(old, errors);
  return before;
}

function checkResize(next: Pod, old: Pod, errors: FieldError[]): void {
  const qos = old.status?.qosClass ?? qosClassOf(old.spec);
  if (qosClassOf(next.spec) !== qos) {
    const message = `Invalid value: ${JSON.stringify(qos)}: Pod QOS Class may not change as a result of resizing`;
    errors.push({ type: 'FieldValueInvalid', field: 'spec', message });
  }
  let others = false;
  for (const list of lists) {
    for (const [index, container] of (next.spec[list] ?? []).entries()) {
      const was = old.spec[list]?.[index];
      if (!was) continue;
      for (const part of ['requests', 'limits'] as const) {
        const at = `spec.${list}[${index}].resources.${part}`;
        const removed = Object.keys(amounts(was, part)).some((name) => amounts(container, part)[name] === undefined);
        if (removed) errors.push(forbidden(at, `resource ${part} cannot be removed`));
        others ||= changesOthers(amounts(container, part), amounts(was, part));
      }
    }
  }
  if (others) errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
}

type Resources = Readonly<Record<string, string>>;

const amounts = ({ resources }: Container, part: 'requests' | 'limits'): Resources => resources?.[part] ?? {};

function changesOthers(next: Resources, old: Resources): boolean {
  return [...new Set([...Object.keys(next), ...Object.keys(old)])]
    .filter((name) => name !== 'cpu' && name !== 'memory')
    .some((name) => {
      const [a, b] = [next[name], old[name]];
      return a === undefined || b === undefined || compareQuantity(a, b) !== 0;
    });
}

const forbidden = (field: string, why: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});

const invalid = ({ metadata }: KubernetesObject, errors: readonly FieldError[]) =>
  StatusError.invalid({ group: '', resource: 'Pod' }, metadata.name, errors);
