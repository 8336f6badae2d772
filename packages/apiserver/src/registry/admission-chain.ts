import type { ApiRequest, KubernetesObject } from '@keelson/core';
import type { AdmissionAttributes } from '@keelson/core/admission';
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

function attributes(
  call: Call,
  operation: Operation,
  object: KubernetesObject | undefined,
  oldObject: KubernetesObject | undefined,
): AdmissionAttributes {
  const { kind, request } = call;
  return {
    operation,
    group: kind.served.group,
    version: kind.served.version,
    resource: kind.served.resource,
    kind: kind.served.kind,
    ...(request.subresource !== undefined && { subresource: request.subresource }),
    ...(request.namespace !== undefined && { namespace: request.namespace }),
    name: request.name ?? object?.metadata.name ?? oldObject?.metadata.name ?? '',
    ...(object && { object }),
    ...(oldObject && { oldObject }),
    user: call.user,
    dryRun: call.dryRun,
    options: (request.options ?? {}) as Readonly<Record<string, unknown>>,
    warn: (text) => call.warnings.push(text),
  };
}

/** All mutating admission. What it returns may be written into: plugins return copies, never what others share. */
export async function admit(
  context: RegistryContext,
  call: Call,
  operation: Operation,
  object: ObjectDraft,
  oldObject: KubernetesObject | undefined,
): Promise<ObjectDraft> {
  let asked = attributes(call, operation, object, oldObject);
  for (const plugin of context.admission) {
    if (!plugin.admit) continue;
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
  const asked = attributes(call, operation, object, oldObject);
  for (const plugin of context.admission) {
    if (!plugin.validate) continue;
    const outcome = plugin.validate(asked);
    if (outcome instanceof Promise) await outcome;
  }
}
