import { type KubernetesObject, timestamp } from '@keelson/core';
import { isMarkedHollow, withHollows } from '../schema/index.ts';
import { admit, type Call, validateAdmission } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';
import type { EncodedObject } from './contract.ts';
import { warnOnce } from './create-object.ts';
import { decodeBody } from './decode-body.ts';
import type { ObjectDraft } from './draft.ts';
import { settleNamespace } from './object-metadata.ts';
import { dedupeOwners } from './owner-references.ts';
import { recordOwners } from './ownership/record-owners.ts';
import { recordSent } from './record-sent.ts';
import { encodeObject } from './stored-object.ts';

/** Answers what is asked: gives back the whole object, its status filled in. Throws `StatusError`. */
export type ReviewAnswer = (asked: ObjectDraft, call: Call) => Promise<ObjectDraft> | ObjectDraft;

/** What is wrong with a question in itself, before any gate looks at it. Throws `StatusError`. */
export type ReviewCheck = (asked: ObjectDraft, call: Call) => void;

/** POST of what is answered at once and not stored: decode, default, admit, answer. */
export async function reviewObject(
  context: RegistryContext,
  call: Call,
  answer: ReviewAnswer,
  check: ReviewCheck | undefined,
): Promise<EncodedObject> {
  const { kind, request } = call;
  const draft = decodeBody(kind, request.body, request, (text) => call.warnings.push(text));
  recordSent(context, call, draft);
  settleNamespace(kind, draft, request.namespace);
  const { metadata } = draft;
  delete metadata.uid;
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  warnOnce(call, dedupeOwners(draft));
  kind.strategy.defaults?.(draft, () => timestamp(context.clock));
  recordOwners(context, call, draft, undefined);
  const admitted = await admit(context, call, 'CREATE', draft, undefined);
  check?.(admitted, call);
  await validateAdmission(context, call, 'CREATE', admitted, undefined);
  return encodeObject(asGiven(kind.view(await answer(admitted, call))));
}

/** What never was stored still tells an empty list from none, where Go writes either. */
function asGiven(answered: KubernetesObject): KubernetesObject {
  return isMarkedHollow(answered) ? (withHollows(answered, 'shown') as KubernetesObject) : answered;
}

/** With another status, last, as the schema has it. */
export function withStatus({ status: _given, ...rest }: ObjectDraft, status: object): ObjectDraft {
  return { ...rest, status };
}
