import { applyMergePatch, type JsonObject, type JsonValue, StatusError } from '@keelson/core';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import { createDecoded } from './create-object.ts';
import { isObject } from './draft.ts';
import { asDocument, decodePatched } from './patch-object.ts';
import { find, type UpdateOutcome, updateObject } from './update-object.ts';

/** Server-side apply. */
export async function applyObject(context: RegistryContext, call: Call): Promise<UpdateOutcome> {
  const { kind, request } = call;
  const body = request.body;
  if (!isObject(body)) throw StatusError.badRequest('error decoding YAML: the patch must be an object');
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const applied: JsonObject = {
    ...(body as JsonObject),
    metadata: { ...(metadata as JsonObject), name: request.name ?? '' },
  };
  const current = await find(context, call);
  if (!current) {
    const draft = decodePatched(call, applied);
    return { value: await createDecoded(context, call, draft), created: true };
  }
  const value = await updateObject(
    context,
    call,
    (latest) => decodePatched(call, applyMergePatch(asDocument(kind.view(latest.object)), applied as JsonValue)),
    { part: request.subresource === 'status' ? 'status' : 'main', retry: true },
    current,
  );
  return { value, created: false };
}
