import {
  getCondition,
  isStatusError,
  labelSelectorMatches,
  Pod,
  PodDisruptionBudget,
  type PodDisruptionBudgetStatus,
  type Status,
  StatusError,
  setCondition,
  timestamp,
} from '@keelson/core';
import { z } from 'zod';
import type { Call } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import { deleteObject, encodeStatus } from '../delete-object.ts';
import { Deletion, deleteOptions } from '../delete-options.ts';
import { type Draft, isObject } from '../draft.ts';
import { objectReader } from '../object-reader.ts';
import { updateObject } from '../update-object.ts';
import { checkNamespace, done, OwnBody } from './body.ts';
import type { SubresourceHandler } from './contract.ts';

const EvictionBody = z.object({
  metadata: z.object({ name: z.string().optional(), namespace: z.string().optional() }).optional(),
  deleteOptions: Deletion.optional(),
});

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction' };

/** Evictions came in two versions, and both are still taken. */
function inStableVersion(call: Call): Call {
  const { body } = call.request;
  if (!isObject(body) || body['apiVersion'] !== 'policy/v1beta1') return call;
  return { ...call, request: { ...call.request, body: { ...body, apiVersion: 'policy/v1' } } };
}

/** So many evictions that nobody has confirmed are enough for one budget. */
const mostDisrupted = 2000;

/** Deletion that asks the pod's disruption budget first (KEP-85; unhealthy pods: KEP-3017). */
export const eviction: SubresourceHandler = async (context, call) => {
  const own = new OwnBody(EvictionBody, evictionKind, context, inStableVersion(call));
  const { metadata } = own.value;
  const { namespace = '', name = '' } = call.request;
  checkNamespace(metadata, namespace);
  if ((metadata?.name ?? '') !== name) {
    throw StatusError.badRequest('name in URL does not match name in Eviction object');
  }
  const { deleteOptions: asked = {} } = await own.admit();
  await own.validate();
  const dryRun = call.dryRun || (asked.dryRun?.length ?? 0) > 0;
  for (let attempt = 1; ; attempt++) {
    const pod = await objectReader(context.storage, context.cache).get(Pod, name, namespace);
    if (!pod) throw StatusError.notFound(call.kind.names, name);
    const guard = needsNoBudget(pod) ? 'needless' : await useBudget(context, { ...call, dryRun }, pod);
    try {
      await deleteGuarded(context, { ...call, dryRun }, pod, guard, asked);
      return { value: encodeStatus(done), code: 201 };
    } catch (error) {
      if (!isStatusError(error, 'Conflict') || asked.preconditions?.resourceVersion) throw error;
      if (guard === 'unhealthy') throw await stillProcessed(context, pod);
      if (guard !== 'needless' || attempt === mostAttempts) throw error;
    }
  }
};

const mostAttempts = 20;

/** Why a pod may go: it needs no budget; it has none; its budget had room; or it was not healthy anyway. */
type Guard = 'needless' | 'none' | 'taken' | 'unhealthy';

async function deleteGuarded(
  context: RegistryContext,
  call: Call,
  pod: Pod,
  guard: Guard,
  asked: Deletion,
): Promise<void> {
  const { uid, resourceVersion } = asked.preconditions ?? {};
  // Who was let through because of the state that the pod was in may have it only in that state.
  const seen = pod.metadata.resourceVersion;
  const ifSame = guard === 'needless' && !isOver(pod) ? seen : undefined;
  const version = guard === 'unhealthy' ? seen : (resourceVersion ?? ifSame);
  const preconditions = { ...(uid != null && { uid }), ...(version !== undefined && { resourceVersion: version }) };
  const announced = call.dryRun ? undefined : await announce(context, call, preconditions);
  const { subresource: _subresource, ...request } = call.request;
  const options = {
    ...request.options,
    ...deleteOptions(asked),
    ...(call.dryRun && { dryRun: ['All'] }),
    preconditions: { ...preconditions, ...(announced && version !== undefined && { resourceVersion: announced }) },
  };
  await deleteObject(context, { ...call, request: { ...request, verb: 'delete', options } }, { admitted: true });
}

async function stillProcessed(context: RegistryContext, pod: Pod): Promise<StatusError> {
  const [budget] = await budgetsOf(context, pod);
  return tooMany(`The disruption budget ${budget?.metadata.name ?? ''} is still being processed by the server.`, 10);
}

const isOver = ({ status, metadata }: Pod) =>
  status?.phase === 'Succeeded' || status?.phase === 'Failed' || metadata.deletionTimestamp !== undefined;

const needsNoBudget = (pod: Pod) => isOver(pod) || pod.status?.phase === 'Pending';

/** The Eviction was admitted; what the server itself writes for it is not looked at again. */
const admitted = async () => undefined;

/** Writes on the pod why it goes. Resolves to its new resourceVersion. */
async function announce(
  context: RegistryContext,
  call: Call,
  preconditions: { readonly uid?: string; readonly resourceVersion?: string } | undefined,
): Promise<string | undefined> {
  const { uid, resourceVersion } = preconditions ?? {};
  const written = await updateObject(
    context,
    { ...call, request: { ...call.request, verb: 'update', subresource: 'status' } },
    (current) => {
      const { metadata } = current.object;
      if (uid !== undefined && uid !== metadata.uid) throw preconditionFailed(metadata.name, 'UID', uid, metadata.uid);
      if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
        throw preconditionFailed(metadata.name, 'ResourceVersion', resourceVersion, metadata.resourceVersion);
      }
      const draft = structuredClone(current.object) as Draft<Pod>;
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
        ...(draft.metadata.generation !== undefined && { observedGeneration: draft.metadata.generation }),
      };
      draft.status = {
        ...draft.status,
        conditions: [...setCondition(draft.status?.conditions, condition, timestamp(context.clock))],
      };
      return draft;
    },
    { part: 'raw', retry: true, owners: 'kept', admitted },
  );
  return written.object.metadata.resourceVersion;
}

function preconditionFailed(name: string, what: 'UID' | 'ResourceVersion', asked: string, is = ''): StatusError {
  const why =
    what === 'UID' ? 'The object might have been deleted and then recreated' : 'The object might have been modified';
  const message = `Operation cannot be fulfilled on Pod "${name}": the ${what} in the precondition (${asked}) does not match the ${what} in record (${is}). ${why}`;
  return new StatusError({
    status: 'Failure',
    message,
    reason: 'Conflict',
    details: { name, kind: 'Pod' },
    code: 409,
  });
}

async function budgetsOf(context: RegistryContext, { metadata }: Pod): Promise<readonly PodDisruptionBudget[]> {
  const reader = objectReader(context.storage, context.cache);
  const all = await reader.list(PodDisruptionBudget, metadata.namespace ?? '');
  return all.filter(({ spec }) => labelSelectorMatches(spec?.selector, metadata.labels));
}

/** Takes the pod from its budget; rejects where that has no room. */
async function useBudget(context: RegistryContext, call: Call, pod: Pod): Promise<Guard> {
  const [budget, another] = await budgetsOf(context, pod);
  if (!budget) return 'none';
  if (another) throw new StatusError(severalBudgets);
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  if (getCondition(pod.status?.conditions, 'Ready')?.status !== 'True') {
    if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return 'unhealthy';
    if (currentHealthy >= desiredHealthy && desiredHealthy > 0) return 'unhealthy';
  }
  await decrement(context, call, budget, pod.metadata.name);
  return 'taken';
}

const severalBudgets: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
  code: 500,
};

async function decrement(
  context: RegistryContext,
  call: Call,
  budget: PodDisruptionBudget,
  pod: string,
): Promise<void> {
  checkRoom(budget);
  const kind = context.catalog.kind('policy', 'v1', 'poddisruptionbudgets');
  if (!kind || call.dryRun) return;
  const { namespace, name } = budget.metadata;
  const target = { group: 'policy', version: 'v1', resource: 'poddisruptionbudgets', subresource: 'status' };
  try {
    // The server writes it, whoever asks for the eviction.
    const options = { fieldManager: 'kube-apiserver' };
    await updateObject(
      context,
      { ...call, kind, request: { verb: 'update', ...target, ...(namespace && { namespace }), name, options } },
      (current) => {
        // The key is that of a budget.
        const latest = structuredClone(current.object) as Draft<PodDisruptionBudget>;
        checkRoom(latest);
        latest.status = lessOne(latest.status, pod, timestamp(context.clock));
        return latest;
      },
      { part: 'status', retry: true, admitted },
    );
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error;
  }
}

function lessOne(
  status: Draft<PodDisruptionBudgetStatus> | undefined,
  pod: string,
  now: string,
): Draft<PodDisruptionBudgetStatus> {
  const left = (status?.disruptionsAllowed ?? 0) - 1;
  const none = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    ...(status?.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
  };
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...status,
    disruptionsAllowed: left,
    disruptedPods: { ...status?.disruptedPods, [pod]: now },
    ...(left === 0 && { conditions: [...setCondition(status?.conditions, none, now)] }),
  };
}

function checkRoom({ metadata, status }: Pick<PodDisruptionBudget, 'metadata' | 'status'>): void {
  const { name, generation = 0 } = metadata;
  if ((status?.observedGeneration ?? 0) < generation) {
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const allowed = status?.disruptionsAllowed ?? 0;
  const forbid = (why: string) =>
    StatusError.forbidden({ group: 'policy', resource: 'poddisruptionbudget' }, name, why);
  if (allowed < 0) throw forbid('pdb disruptions allowed is negative');
  if (Object.keys(status?.disruptedPods ?? {}).length > mostDisrupted) {
    throw forbid('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed > 0) return;
  throw tooMany(`The disruption budget ${name} ${whyNoRoom(status)}`);
}

function whyNoRoom(status: PodDisruptionBudgetStatus | undefined): string {
  const { currentHealthy = 0, desiredHealthy = 0, conditions } = status ?? {};
  const condition = getCondition(conditions, 'DisruptionAllowed');
  if (condition?.status === 'False' && condition.reason === 'SyncFailed') {
    return `does not allow evicting pods currently because it failed sync: ${condition.message}`;
  }
  if (currentHealthy > desiredHealthy) return 'does not allow evicting pods currently';
  return `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
}

function tooMany(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    status: 'Failure',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    reason: 'TooManyRequests',
    details: {
      causes: [{ reason: 'DisruptionBudget', message }],
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
    code: 429,
  });
}
