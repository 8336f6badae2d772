import type { ApiRequest, KubernetesObject } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { RegistryContext } from './context.ts';
import type { UserInfo } from './contract.ts';
import type { ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';

/** One request on its way through the registry. */
export interface Call {
  readonly kind: Kind;
  readonly request: ApiRequest;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly warnings: string[];
}

type Operation = AdmissionAttributes['operation'];

interface Gates {
  readonly admitting: readonly (AdmissionPlugin & Required<Pick<AdmissionPlugin, 'admit'>>)[];
  readonly validating: readonly (AdmissionPlugin & Required<Pick<AdmissionPlugin, 'validate'>>)[];
}

const known = new WeakMap<RegistryContext['admission'], WeakMap<Kind, Gates>>();

/** The gates that look at a kind, worked out once. */
function gatesOf({ admission }: RegistryContext, kind: Kind): Gates {
  let byKind = known.get(admission);
  if (!byKind) {
    byKind = new WeakMap();
    known.set(admission, byKind);
  }
  let gates = byKind.get(kind);
  if (!gates) {
    const { group, resource } = kind.served;
    const asked = admission.filter(
      ({ resources }) => !resources || resources.some((each) => each.group === group && each.plural === resource),
    );
    gates = { admitting: asked.filter(admits), validating: asked.filter(validates) };
    byKind.set(kind, gates);
  }
  return gates;
}

const admits = (plugin: AdmissionPlugin): plugin is Gates['admitting'][number] => plugin.admit !== undefined;
const validates = (plugin: AdmissionPlugin): plugin is Gates['validating'][number] => plugin.validate !== undefined;

function attributes(
  call: Call,
  operation: Operation,
  object: KubernetesObject | undefined,
  oldObject: KubernetesObject | undefined,
): AdmissionAttributes {
  const { kind, request } = call;
  const { group, version, resource, kind: kindName } = kind.served;
  const { subresource, namespace } = request;
  // Every write comes through here: assignments cost a tenth of what spreading costs.
  const asked: { -readonly [Field in keyof AdmissionAttributes]: AdmissionAttributes[Field] } = {
    operation,
    group,
    version,
    resource,
    kind: kindName,
    name: request.name ?? object?.metadata.name ?? oldObject?.metadata.name ?? '',
    user: call.user,
    dryRun: call.dryRun,
    options: (request.options ?? {}) as Readonly<Record<string, unknown>>,
    warn: (text) => call.warnings.push(text),
  };
  if (namespace !== undefined) asked.namespace = namespace;
  if (subresource !== undefined) asked.subresource = subresource;
  if (object) asked.object = object;
  if (oldObject) asked.oldObject = oldObject;
  return asked;
}

/** All mutating admission. What it returns may be written into: plugins return copies, never what others share. */
export async function admit(
  context: RegistryContext,
  call: Call,
  operation: Operation,
  object: ObjectDraft,
  oldObject: KubernetesObject | undefined,
): Promise<ObjectDraft> {
  const gates = gatesOf(context, call.kind).admitting;
  if (gates.length === 0) return object;
  let asked = attributes(call, operation, object, oldObject);
  for (const plugin of gates) {
    const outcome = plugin.admit(asked);
    const changed = outcome instanceof Promise ? await outcome : outcome;
    if (!changed) continue;
    object = changed as ObjectDraft;
    asked = attributes(call, operation, object, oldObject);
  }
  return object;
}

export async function validateAdmission(
  context: RegistryContext,
  call: Call,
  operation: Operation,
  object: KubernetesObject | undefined,
  oldObject: KubernetesObject | undefined,
): Promise<void> {
  const gates = gatesOf(context, call.kind).validating;
  if (gates.length === 0) return;
  const asked = attributes(call, operation, object, oldObject);
  for (const plugin of gates) {
    const outcome = plugin.validate(asked);
    if (outcome instanceof Promise) await outcome;
  }
}
