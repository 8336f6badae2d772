import { type Binding, deepEqual, type KubernetesObject, type Pod, StatusError, timestamp } from '@keelson/core';
import { z } from 'zod';
import { copy } from '../../schema/index.ts';
import { validateAdmission } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import { encodeStatus } from '../delete-object.ts';
import type { Draft, ObjectDraft } from '../draft.ts';
import { updateObject } from '../update-object.ts';
import { done, parseBody } from './body.ts';
import type { SubresourceHandler } from './contract.ts';

const BindingBody = z.object({
  metadata: z
    .object({
      name: z.string().optional(),
      uid: z.string().optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  target: z.object({ kind: z.string().optional(), name: z.string().optional() }).optional(),
}) satisfies z.ZodType<Pick<Partial<Binding>, 'target'>>;

const asPod = (object: KubernetesObject) => object as Pod;

/** The scheduler's word: the pod runs on this node. */
export const binding: SubresourceHandler = async (context, call) => {
  const body = parseBody(BindingBody, 'Binding', call.request.body);
  const node = body.target?.name;
  if (!node) throw new StatusError({ status: 'Failure', message: 'target.name: Required value', code: 500 });
  const conflict = (name: string, why: string) =>
    StatusError.conflict({ group: '', resource: 'pods/binding' }, name, why);
  await validateAdmission(context, call, 'CREATE', undefined, undefined);
  await updateObject(
    context,
    call,
    (current) => {
      const pod = asPod(current.object);
      const { name, uid } = pod.metadata;
      if (body.metadata?.uid && body.metadata.uid !== uid) {
        throw conflict(
          name,
          `Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${uid}`,
        );
      }
      if (pod.metadata.deletionTimestamp)
        throw conflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec.nodeName) throw conflict(name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
      if (pod.spec.schedulingGates?.length) throw conflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
      return bound(context, pod, node, body.metadata?.annotations, body.metadata?.labels);
    },
    { part: 'raw', retry: true, owners: 'kept' },
  );
  return { value: encodeStatus(done), code: 201 };
};

function bound(
  context: RegistryContext,
  pod: Pod,
  node: string,
  annotations: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): ObjectDraft {
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastTransitionTime: timestamp(context.clock),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  };
  const conditions = (pod.status?.conditions ?? []).filter((each) => each.type !== 'PodScheduled');
  // What is stored is plain JSON: copying it member by member is several times as fast as structuredClone.
  const draft = copy(pod) as Draft<Pod>;
  draft.spec.nodeName = node;
  draft.status = { ...draft.status, conditions: [...conditions.map((each) => ({ ...each })), scheduled] };
  if (annotations) draft.metadata.annotations = { ...draft.metadata.annotations, ...annotations };
  if (labels) draft.metadata.labels = { ...draft.metadata.labels, ...labels };
  return draft;
}

/** pods/ephemeralcontainers: containers may be added, and nothing else. */
export function keepEphemeral(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  const next = wanted as Draft<Pod>;
  const before = structuredClone(old) as Draft<Pod>;
  const added = next.spec.ephemeralContainers ?? [];
  const kept = before.spec.ephemeralContainers ?? [];
  if (kept.some((each) => !added.some((now) => deepEqual(now, each)))) {
    throw StatusError.invalid({ group: '', resource: 'Pod' }, old.metadata.name, [
      {
        type: 'FieldValueForbidden',
        field: 'spec.ephemeralContainers',
        message: 'Forbidden: existing ephemeral containers may not be changed or removed',
      },
    ]);
  }
  before.spec.ephemeralContainers = added;
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return before;
}

/** pods/resize: requests and limits of cpu and memory of containers that are there. */
export function keepResources(wanted: ObjectDraft, old: KubernetesObject): ObjectDraft {
  const next = wanted as Draft<Pod>;
  const before = structuredClone(old) as Draft<Pod>;
  for (const list of ['containers', 'initContainers'] as const) {
    for (const container of before.spec[list] ?? []) {
      const asked = next.spec[list]?.find((each) => each.name === container.name);
      if (!asked) continue;
      if (asked.resources) container.resources = asked.resources;
      if (asked.resizePolicy) container.resizePolicy = asked.resizePolicy;
    }
  }
  before.metadata.resourceVersion = wanted.metadata.resourceVersion;
  return before;
}
