import { z } from 'zod';
import type { KubernetesObject, ResourceType } from '../api/index.ts';
import { isJsonObject, type JsonObject, jsonPatchBetween, StatusError } from '../machinery/index.ts';
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

/** What a webhook says; see `allow`, `change` and `deny`. */
export type AdmissionDecision<T> =
  | { readonly allowed: true; readonly object?: T; readonly warnings?: readonly string[]; readonly audit?: Texts }
  | {
      readonly allowed: false;
      readonly message: string;
      readonly reason?: string;
      readonly code?: number;
      readonly warnings?: readonly string[];
      readonly audit?: Texts;
    };

type Texts = Readonly<Record<string, string>>;

interface Remarks {
  /** Shown to whoever asks, at most 120 characters each. */
  readonly warnings?: readonly string[];
  /** Noted in the audit log of the server. */
  readonly audit?: Texts;
}

export const allow = (remarks: Remarks = {}): AdmissionDecision<never> => ({ allowed: true, ...remarks });

/** Allows the object in another form: a copy, as what a webhook is asked about belongs to nobody else. */
export const change = <T>(object: T, remarks: Remarks = {}): AdmissionDecision<T> => ({
  allowed: true,
  object,
  ...remarks,
});

/** Refuses. `code`: that of the answer, default 403. */
export const deny = (
  message: string,
  more: Remarks & { readonly code?: number; readonly reason?: string } = {},
): AdmissionDecision<never> => ({ allowed: false, message, code: 403, reason: 'Forbidden', ...more });

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
    const response = { uid: request.uid, ...responseOf(decision, asked ?? undefined) };
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

function responseOf<T>(decision: AdmissionDecision<T>, asked: T | undefined) {
  const { allowed, warnings, audit } = decision;
  const remarks = { ...(warnings?.length && { warnings }), ...(audit && { auditAnnotations: audit }) };
  if (!allowed) {
    const { message, reason, code } = decision;
    return { allowed, status: { message, ...(reason && { reason }), ...(code && { code }) }, ...remarks };
  }
  if (decision.object === undefined || !asked) return { allowed, ...remarks };
  // Both are plain JSON: one has come as such, and the other is going to.
  const before = JSON.parse(JSON.stringify(asked));
  const operations = jsonPatchBetween(before, JSON.parse(JSON.stringify(decision.object)));
  if (operations.length === 0) return { allowed, ...remarks };
  const patch = Buffer.from(JSON.stringify(operations)).toString('base64');
  return { allowed, patchType: 'JSONPatch', patch, ...remarks };
}
