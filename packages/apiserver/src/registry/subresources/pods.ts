import {
  type Binding,
  deepEqual,
  type Eviction,
  isStatusError,
  type KubernetesObject,
  labelSelectorMatches,
  Pod,
  PodDisruptionBudget,
  type Status,
  StatusError,
  timestamp,
} from '@keelson/core';
import { z } from 'zod';
import { copy } from '../../schema/index.ts';
import { type Call, validateAdmission } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import { deleteObject, encodeStatus } from '../delete-object.ts';
import type { Draft, ObjectDraft } from '../draft.ts';
import { objectReader } from '../object-reader.ts';
import { updateObject } from '../update-object.ts';
import type { SubresourceHandler } from './contract.ts';

const done: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

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

function parse<T>(schema: z.ZodType<T>, kind: string, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw StatusError.badRequest(
    `${kind} in version "v1" cannot be handled as a ${kind}: ${z.prettifyError(parsed.error)}`,
  );
}

const asPod = (object: KubernetesObject) => object as Pod;

/** The scheduler's word: the pod runs on this node. */
export const binding: SubresourceHandler = async (context, call) => {
  const body = parse(BindingBody, 'Binding', call.request.body);
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
    { part: 'raw', retry: true },
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

const EvictionBody = z.object({
  deleteOptions: z
    .object({
      gracePeriodSeconds: z.number().int().optional(),
      dryRun: z.array(z.string()).optional(),
      preconditions: z.object({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
      propagationPolicy: z.enum(['Orphan', 'Background', 'Foreground']).optional(),
    })
    .optional(),
}) satisfies z.ZodType<Pick<Partial<Eviction>, 'deleteOptions'>>;

/** Deletion that asks the pod's disruption budget first. */
export const eviction: SubresourceHandler = async (context, call) => {
  const { deleteOptions } = parse(EvictionBody, 'Eviction', call.request.body);
  const { namespace = '', name = '' } = call.request;
  const reader = objectReader(context.storage, context.cache);
  const pod = await reader.get(Pod, name, namespace);
  if (!pod) throw StatusError.notFound(call.kind.names, name);
  const phase = pod.status?.phase;
  const free = phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp;
  if (!free) await useBudget(context, call, pod);
  const { subresource: _subresource, ...request } = call.request;
  await deleteObject(context, {
    ...call,
    request: { ...request, verb: 'delete', options: { ...call.request.options, ...deleteOptions } },
  });
  return { value: encodeStatus(done), code: 201 };
};

async function useBudget(context: RegistryContext, call: Call, pod: Pod): Promise<void> {
  const reader = objectReader(context.storage, context.cache);
  const budgets = (await reader.list(PodDisruptionBudget, pod.metadata.namespace ?? '')).filter((each) =>
    each.spec.selector === undefined ? false : labelSelectorMatches(each.spec.selector, pod.metadata.labels),
  );
  if (budgets.length === 0) return;
  if (budgets.length > 1) {
    throw new StatusError({
      status: 'Failure',
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      reason: 'InternalError',
      code: 500,
    });
  }
  const [budget] = budgets;
  if (!budget) return;
  const ready = pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
  const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = budget.status ?? {};
  if (
    !ready &&
    (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' ||
      (currentHealthy >= desiredHealthy && desiredHealthy > 0))
  )
    return;
  const kind = context.catalog.kind('policy', 'v1', 'poddisruptionbudgets');
  if (disruptionsAllowed <= 0 || !kind) throw tooMany(budget.metadata.name, desiredHealthy, currentHealthy);
  const { namespace, name } = budget.metadata;
  const budgetCall: Call = {
    ...call,
    kind,
    request: {
      verb: 'update',
      group: 'policy',
      version: 'v1',
      resource: 'poddisruptionbudgets',
      subresource: 'status',
      namespace,
      name,
    },
  };
  try {
    await updateObject(
      context,
      budgetCall,
      (current) => {
        const latest = current.object as PodDisruptionBudget;
        const allowed = latest.status?.disruptionsAllowed ?? 0;
        if (allowed <= 0) throw tooMany(name, latest.status?.desiredHealthy ?? 0, latest.status?.currentHealthy ?? 0);
        const draft = structuredClone(latest) as Draft<PodDisruptionBudget>;
        if (draft.status) {
          draft.status.disruptionsAllowed = allowed - 1;
          draft.status.disruptedPods = { ...draft.status.disruptedPods, [pod.metadata.name]: timestamp(context.clock) };
        }
        return draft;
      },
      { part: 'status', retry: true },
    );
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error;
  }
}

function tooMany(name: string, desired: number, current: number): StatusError {
  return new StatusError({
    status: 'Failure',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    reason: 'TooManyRequests',
    details: {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: `The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`,
        },
      ],
    },
    code: 429,
  });
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
