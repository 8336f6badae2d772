import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  type JsonObject,
  type JsonValue,
  type KubernetesObject,
  readMergePatch,
  StatusError,
} from '@keelson/core';
import { patchSchemaOf } from '../schema/index.ts';
import type { Call } from './admission-chain.ts';
import { applyObject } from './apply-object.ts';
import type { RegistryContext } from './context.ts';
import { checkDepth } from './decode-body.ts';
import { asJsonValue, decodePatched } from './decode-patched.ts';
import { asJson, type ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import { checkName } from './object-metadata.ts';
import { checkConditional, checkVersion, type KeepRest, type UpdateOutcome, updateObject } from './update-object.ts';

/** PATCH, in all four kinds. A patch that names no resourceVersion is tried again when somebody else was faster. */
export async function patchObject(context: RegistryContext, call: Call, keep?: KeepRest): Promise<UpdateOutcome> {
  const { kind, request } = call;
  checkDepth(request.body);
  if (request.patchType === 'application/apply-patch+yaml') return applyObject(context, call, keep);
  const part = keep ? 'raw' : request.subresource === 'status' ? 'status' : 'main';
  const value = await updateObject(
    context,
    call,
    (current) => {
      const before = kind.view(current.object);
      const draft = decodePatched(call, applyPatch(kind, request, before), before);
      checkIdentity(call, draft, before);
      return draft;
    },
    { part, retry: true, ...(keep && { keep }) },
  );
  return { value, created: false };
}

/** The patched form of an object of the served version. */
export function applyPatch(kind: Kind, request: Call['request'], before: KubernetesObject): JsonValue {
  const document = asDocument(before);
  switch (request.patchType) {
    case 'application/json-patch+json':
      return applyJsonPatch(document, request.body, { typed: request.options?.fieldValidation !== 'Ignore' });
    case 'application/merge-patch+json':
      // Where nothing is validated, a list is a patch, too: what it makes is refused as an object.
      if (Array.isArray(request.body) && request.options?.fieldValidation === 'Ignore')
        return asJsonValue(request.body);
      return applyMergePatch(document, readMergePatch(request.body));
    case 'application/strategic-merge-patch+json':
      if (kind.served.definition === undefined) {
        throw StatusError.of(
          415,
          'UnsupportedMediaType',
          'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        );
      }
      return applyStrategicMergePatch(document, request.body, patchSchemaOf(kind.served.definition));
    default:
      throw StatusError.of(
        415,
        'UnsupportedMediaType',
        'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/strategic-merge-patch+json',
      );
  }
}

/** Stored objects are JSON all through: they were decoded from it. */
export function asDocument(object: KubernetesObject): JsonObject {
  return asJson(object) as JsonObject;
}

function checkIdentity({ kind, request }: Call, draft: ObjectDraft, before: KubernetesObject): void {
  if (!kind.served.namespaced) delete draft.metadata.namespace;
  const { namespace, resourceVersion } = draft.metadata;
  if (namespace && namespace !== before.metadata.namespace) {
    throw StatusError.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  checkName(draft, request.name ?? '');
  checkVersion(kind, resourceVersion, before);
  checkConditional(kind, draft);
}
