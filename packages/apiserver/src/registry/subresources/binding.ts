import { type Binding, type KubernetesObject, type Pod, StatusError, timestamp } from '@keelson/core';
import { z } from 'zod';
import { copy } from '../../schema/index.ts';
import type { Call } from '../admission-chain.ts';
import type { RegistryContext } from '../context.ts';
import { encodeStatus } from '../delete-object.ts';
import { type Draft, draftJson, type ObjectDraft } from '../draft.ts';
import { keyIn, shownKey } from '../kind.ts';
import { updateObject } from '../update-object.ts';
import { checkNamespace, done, OwnBody } from './body.ts';
import type { SubresourceHandler } from './contract.ts';

const BindingBody = z.object({
  metadata: z
    .object({
      name: z.string().optional(),
      namespace: z.string().optional(),
      uid: z.string().optional(),
      annotations: z.record(z.string(), z.string()).optional(),
      labels: z.record(z.string(), z.string()).optional(),
    })
    .optional(),
  target: z.object({ kind: z.string().optional(), name: z.string().optional() }).optional(),
}) satisfies z.ZodType<Pick<Partial<Binding>, 'target'>>;
type BindingBody = z.infer<typeof BindingBody>;

const bindingKind = { group: '', version: 'v1', kind: 'Binding' };

const asPod = (object: KubernetesObject) => object as Pod;

/** The scheduler's word: the pod runs on this node. */
export const binding: SubresourceHandler = (context, call) => {
  const own = new OwnBody(BindingBody, bindingKind, context, call);
  const { metadata } = own.value;
  const { namespace = '', name = '' } = call.request;
  checkNamespace(metadata, namespace);
  if (metadata?.name !== name) {
    throw StatusError.badRequest('name in URL does not match name in Binding object');
  }
  return admitAndBind(context, call, own);
};

/** POST of a Binding itself, as the first schedulers did it: the pod is named in it. */
export const legacyBinding: SubresourceHandler = (context, call) => {
  const own = new OwnBody(BindingBody, bindingKind, context, call, call);
  const { metadata } = own.value;
  checkNamespace(metadata, call.request.namespace ?? '');
  const kind = context.catalog.kind('', 'v1', 'pods');
  if (!kind) throw StatusError.internal('pods are not served');
  const name = metadata?.name ?? '';
  const request = { ...call.request, resource: 'pods', subresource: 'binding', name };
  return admitAndBind(context, { ...call, kind, request }, own);
};

async function admitAndBind(context: RegistryContext, call: Call, own: OwnBody<BindingBody>) {
  const body = await own.admit();
  const node = checkTarget(body);
  if (!call.request.name) throw StatusError.badRequest('Name parameter required.');
  await own.validate();
  await bind(context, call, body, node);
  return { value: encodeStatus(done), code: 201 as const };
}

/** The node's name. Throws what Kubernetes answers with a bare 500. */
function checkTarget({ target }: BindingBody): string {
  const refuse = (message: string) => new StatusError({ status: 'Failure', message, code: 500 });
  const kind = target?.kind ?? '';
  const wrong: string[] = [];
  if (kind !== '' && kind !== 'Node') {
    const values = 'supported values: "Node", "<empty>"';
    wrong.push(`target.kind: Unsupported value: ${JSON.stringify(kind)}: ${values}`);
  }
  const { name } = target ?? {};
  if (!name) wrong.push('target.name: Required value');
  if (wrong.length === 0 && name) return name;
  throw refuse(wrong.length === 1 ? (wrong[0] ?? '') : `[${wrong.join(', ')}]`);
}

/** The Binding was admitted; what it makes of the pod is not looked at again. */
const admitted = async () => undefined;

async function bind(context: RegistryContext, call: Call, body: BindingBody, node: string): Promise<void> {
  const conflict = (name: string, why: string) =>
    StatusError.conflict({ group: '', resource: 'pods/binding' }, name, why);
  await updateObject(
    context,
    call,
    (current) => {
      const pod = asPod(current.object);
      const { name, uid, namespace } = pod.metadata;
      if (body.metadata?.uid && body.metadata.uid !== uid) {
        const key = shownKey(call, keyIn(call.kind, namespace, name));
        const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${body.metadata.uid}, UID in object meta: ${uid}`;
        throw StatusError.conflict({ group: '', resource: 'pods' }, name, why);
      }
      if (pod.metadata.deletionTimestamp)
        throw conflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
      if (pod.spec.nodeName) throw conflict(name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
      if (pod.spec.schedulingGates?.length) throw conflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
      return bound(context, pod, node, body.metadata?.annotations, body.metadata?.labels);
    },
    { part: 'raw', retry: true, owners: 'kept', admitted },
  );
}

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
    lastProbeTime: null,
    lastTransitionTime: timestamp(context.clock),
  };
  const conditions = (pod.status?.conditions ?? []).filter((each) => each.type !== 'PodScheduled');
  // What is stored is plain JSON: copying it member by member is several times as fast as structuredClone.
  const draft = copy(pod) as Draft<Pod>;
  draft.spec.nodeName = node;
  // An object as it is stored says that there is no time of a probe, which the type does not know.
  const { nominatedNodeName: _nominated, ...status } = draft.status ?? {};
  draftJson(draft)['status'] = { ...status, conditions: [...conditions, scheduled] };
  if (annotations) draft.metadata.annotations = { ...draft.metadata.annotations, ...annotations };
  if (labels) draft.metadata.labels = { ...draft.metadata.labels, ...labels };
  return draft;
}
