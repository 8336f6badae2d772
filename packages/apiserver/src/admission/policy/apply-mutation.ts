import type { JsonObject, JsonValue } from '@keelson/core';
import type { ObjectForm } from '@keelson/core/admission';
import { CelError, CelJsonPatch, CelList, CelObjectPatch, type CelValue } from '../../cel/index.ts';
import { applyWebhookPatch } from '../webhook/apply-webhook-patch.ts';

/**
 * Lays a part of an object over an object, in the version of a form, by the rules of server-side apply but for owners.
 * Throws an `Error` in the words of Kubernetes.
 */
export type MergeConfiguration = (form: ObjectForm, live: JsonObject, patch: JsonObject) => JsonObject;

/** What a mutation's value makes of an object. Throws an `Error` in the words of Kubernetes. */
export function applyMutation(
  value: CelValue,
  form: ObjectForm,
  live: JsonObject,
  merge: MergeConfiguration,
): JsonValue {
  if (value instanceof CelObjectPatch) return applyConfiguration(value, form, live, merge);
  if (!(value instanceof CelList)) throw new Error(`unexpected return type: ${String(value)}`);
  return applyOperations(value, live);
}

function applyConfiguration(
  value: CelObjectPatch,
  form: ObjectForm,
  live: JsonObject,
  merge: MergeConfiguration,
): JsonObject {
  const { mismatch } = value;
  if (mismatch !== undefined) throw new Error(`type mismatch: ${mismatch}`);
  const { apiVersion, kind } = live;
  try {
    // What comes of an expression is JSON.
    const patch = value.toJson() as JsonObject;
    return merge(form, live, { ...patch, ...(apiVersion && { apiVersion }), ...(kind && { kind }) });
  } catch (error) {
    if (error instanceof CelError) {
      throw new Error(`error applying patch: failed to convert patch object to typed object: ${error.message}`);
    }
    throw new Error(`error applying patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function applyOperations(list: CelList, live: JsonObject): JsonValue {
  const operations: JsonObject[] = [];
  for (const each of list) {
    if (!(each instanceof CelJsonPatch)) throw new Error(`unexpected return type: ${String(each)}`);
    operations.push({ op: '', path: '', ...(each.toOperation() as JsonObject) });
  }
  try {
    return applyWebhookPatch(live, operations.map(withValue));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    // A test that does not hold takes back the whole patch and refuses nothing.
    if (why.startsWith('testing value ') && why.endsWith(' failed: test failed')) return live;
    throw new Error(`JSON Patch: ${why}`);
  }
}

const needValue = ['add', 'replace', 'test'];
const withValue = (operation: JsonObject): JsonObject =>
  operation['value'] === undefined && needValue.includes(String(operation['op']))
    ? { ...operation, value: null }
    : operation;
