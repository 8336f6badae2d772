import { z } from 'zod';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { isJsonObject, type JsonObject, jsonPatchBetween, StatusError } from '../machinery/index.ts';
import type { AdmissionDecision, WrongField } from './decision.ts';
import type { Webhook } from './webhook-server.ts';

/** What a webhook is asked about: the request of an AdmissionReview (`admission.k8s.io/v1`). */
export interface AdmissionRequest<T> {
  readonly uid: string;
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly resource: { readonly group: string; readonly version: string; readonly resource: string };
  readonly subResource?: string;
  /** Empty where the server still has to find one. */
  readonly name: string;
  readonly namespace?: string;
  /** Absent on DELETE. */
  readonly object?: T;
  /** Absent on CREATE. */
  readonly oldObject?: T;
  readonly user: {
    readonly name: string;
    readonly uid?: string;
    readonly groups: readonly string[];
    readonly extra: Readonly<Record<string, readonly string[]>>;
  };
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions or DeleteOptions of the request. */
  readonly options: JsonObject;
  /** Aborts when the server no longer waits for the answer. */
  readonly signal: AbortSignal;
}

/** Answers one AdmissionReview, given and returned as JSON. Rejects with a `StatusError` for what is none. */
export type AdmissionWebhook = Webhook;

const groupVersion = { group: z.string().default(''), version: z.string() };
const jsonObject = z.custom<JsonObject>(isJsonObject, 'must be an object');

/** The server has decoded the objects by the schema of their kind: that they are objects is all that is left to see. */
const reviewOf = <T>(object: z.ZodType<T>) =>
  z.object({
    apiVersion: z.literal('admission.k8s.io/v1'),
    kind: z.literal('AdmissionReview'),
    request: z.object({
      uid: z.string().min(1),
      kind: z.object({ ...groupVersion, kind: z.string() }),
      resource: z.object({ ...groupVersion, resource: z.string() }),
      subResource: z.string().optional(),
      name: z.string().default(''),
      namespace: z.string().optional(),
      operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
      userInfo: z.object({
        username: z.string().default(''),
        uid: z.string().optional(),
        groups: z.array(z.string()).default([]),
        extra: z.record(z.string(), z.array(z.string())).default({}),
      }),
      object: object.nullish(),
      oldObject: object.nullish(),
      dryRun: z.boolean().default(false),
      options: jsonObject.nullish(),
    }),
  });

/**
 * Makes a webhook of a function. The server has decoded what it sends by the schema of the kind; a review of another kind
 * than `type` is refused, as its rules then are too wide. What the function throws becomes an error of the call, which
 * the webhook's failure policy decides about.
 */
export function admissionWebhook<T extends KubernetesObject>(
  type: ResourceType<T>,
  decide: (request: AdmissionRequest<T>) => AdmissionDecision<T> | Promise<AdmissionDecision<T>>,
): AdmissionWebhook {
  const schema = reviewOf(z.custom<T>(isJsonObject, 'must be an object'));
  return async (text, signal) => {
    const { request } = readReview(text, schema);
    const { kind, userInfo, object: asked, oldObject, options, subResource, namespace, ...rest } = request;
    if (kind.group !== type.group || kind.kind !== type.kind) {
      throw StatusError.badRequest(`this webhook is about ${named(type)}, not ${named(kind)}`);
    }
    const { username, uid, ...user } = userInfo;
    const decision = await decide({
      ...rest,
      kind,
      ...(subResource !== undefined && { subResource }),
      ...(namespace !== undefined && { namespace }),
      ...(asked && { object: asked }),
      ...(oldObject && { oldObject }),
      user: { name: username, ...(uid !== undefined && { uid }), ...user },
      options: options ?? {},
      signal,
    });
    const about = { kind, name: rest.name };
    const response = { uid: request.uid, ...responseOf(decision, about, asked ?? undefined) };
    return JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });
  };
}

const named = ({ group, kind }: { readonly group: string; readonly kind: string }) =>
  group === '' ? kind : `${kind}.${group}`;

function readReview<T>(text: string, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw StatusError.badRequest('the body is no JSON');
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw StatusError.badRequest(
    `the body is no AdmissionReview of admission.k8s.io/v1: ${z.prettifyError(parsed.error)}`,
  );
}

interface About {
  readonly kind: { readonly group: string; readonly kind: string };
  readonly name: string;
}

function responseOf<T>(decision: AdmissionDecision<T>, about: About, asked: T | undefined) {
  const { allowed, warnings, audit } = decision;
  const remarks = { ...(warnings?.length && { warnings }), ...(audit && { auditAnnotations: audit }) };
  if (!allowed) {
    const { message, reason, code, fields } = decision;
    const why = fields?.length ? invalid(about, fields) : { message };
    return { allowed, status: { ...why, ...(reason && { reason }), ...(code && { code }) }, ...remarks };
  }
  const operations = operationsOf(decision, asked);
  if (operations.length === 0) return { allowed, ...remarks };
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed, patchType: 'JSONPatch', patch, ...remarks };
}

function operationsOf<T>(
  { object, patch }: Extract<AdmissionDecision<T>, { allowed: true }>,
  asked: T | undefined,
): readonly unknown[] {
  if (object === undefined || !asked) return patch ?? [];
  // Both are plain JSON: one has come as such, and the other is going to.
  return jsonPatchBetween(JSON.parse(JSON.stringify(asked)), JSON.parse(JSON.stringify(object)));
}

/** As the server's own validation tells it; whoever asks may be shown field by field. */
function invalid(
  { kind: { group, kind }, name }: About,
  fields: readonly WrongField[],
): Pick<StatusError['status'], 'message' | 'details'> {
  const errors = fields.map(({ type = 'FieldValueInvalid' as const, ...each }) => ({ type, ...each }));
  const { message, details } = StatusError.invalid({ group, resource: kind }, name, errors).status;
  return { ...(message !== undefined && { message }), ...(details && { details }) };
}
