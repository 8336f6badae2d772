import { isJsonObject, type Status, StatusError } from '@keelson/core';
import { jsonKind } from '@keelson/core/machinery';
import type { ReviewVersion, WebhookType } from './contract.ts';

/** What a webhook has answered, checked. */
export interface WebhookVerdict {
  readonly allowed: boolean;
  readonly status: Partial<Status> | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** A JSON patch, undecoded. */
  readonly patch: string | undefined;
  readonly patchType: string | undefined;
}

/** Why an answer cannot be used, in the words of Kubernetes. */
export class BadAnswer extends Error {
  override readonly name = 'BadAnswer';
}

const unread = (why: string) => new BadAnswer(`failed to call webhook: ${why}`);
const invalid = (why: string) => new BadAnswer(`received invalid webhook response: ${why}`);

const typeShape =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Other kinds that Kubernetes' reader of answers knows, and cannot take for a review. */
const otherKinds = new Set(['v1.Status', 'v1beta1.AdmissionReview', 'v1.AdmissionReview']);

/**
 * Reads a webhook's AdmissionReview. Throws `BadAnswer` where it is none, is about another request, or says what this
 * kind of webhook may not.
 */
export function readVerdict(text: string, uid: string, version: ReviewVersion, type: WebhookType): WebhookVerdict {
  const review = readReview(text, version);
  const { response } = review;
  if (response === undefined || response === null) throw invalid('webhook response was absent');
  if (!isJsonObject(response)) throw wrongType(response, 'AdmissionReview.response', 'v1.AdmissionResponse');
  const fields = new Fields(response);
  const verdict = {
    uid: fields.text('uid') ?? '',
    allowed: fields.flag('allowed') ?? false,
    status: readStatus(response['status']),
    patch: decodeBase64(fields.text('patch')),
    patchType: fields.text('patchType'),
    auditAnnotations: fields.texts('auditAnnotations') ?? {},
    warnings: fields.list('warnings') ?? [],
  };
  // The first version was never held to the rules of the second.
  if (version === 'v1beta1') {
    const patch = type === 'mutating' && verdict.patch ? verdict.patch : undefined;
    return { ...verdict, patch, patchType: patch && 'JSONPatch' };
  }
  if (verdict.uid !== uid) {
    throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(verdict.uid)}`);
  }
  const { apiVersion, kind } = typeOf(review);
  if (apiVersion !== 'admission.k8s.io/v1' || kind !== 'AdmissionReview') {
    const got = `${apiVersion === '' ? '/' : apiVersion}, Kind=${kind}`;
    throw invalid(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`);
  }
  checkPatch(verdict, type);
  return verdict;
}

function checkPatch({ patch, patchType }: Pick<WebhookVerdict, 'patch' | 'patchType'>, type: WebhookType): void {
  if (type === 'validating') {
    if (patch) throw invalid('validating webhook may not return response.patch');
    if (patchType !== undefined) throw invalid('validating webhook may not return response.patchType');
    return;
  }
  if (patch && patchType === undefined) {
    throw invalid('webhook returned response.patch but not response.patchType');
  }
  if (!patch && patchType !== undefined) {
    throw invalid('webhook returned response.patchType but not response.patch');
  }
  if (patchType === '') throw invalid('webhook returned invalid response.patchType of ""');
}

type JsonFields = Readonly<Record<string, unknown>>;

function readReview(text: string, version: ReviewVersion): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Kubernetes reads YAML here, of which any text is a string.
    value = '';
  }
  if (value === null) value = {};
  if (!isJsonObject(value)) {
    throw unread(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into Go value of type ${typeShape}`,
    );
  }
  const { apiVersion, kind } = typeOf(value);
  if (apiVersion === '' || kind === '') return value;
  if (apiVersion === `admission.k8s.io/${version}` && kind === 'AdmissionReview') return value;
  const [last = ''] = apiVersion.split('/').toReversed();
  const isStatus = apiVersion === 'v1' && kind === 'Status';
  const isReview = apiVersion.startsWith('admission.k8s.io/') && kind === 'AdmissionReview';
  if ((isStatus || isReview) && otherKinds.has(`${last}.${kind}`)) {
    throw unread(`converting (${last}.${kind}) to (${version}.AdmissionReview): unknown conversion`);
  }
  throw unread(
    `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
  );
}

function typeOf(review: JsonFields): { readonly apiVersion: string; readonly kind: string } {
  const { apiVersion = '', kind = '' } = review;
  for (const [field, value] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const) {
    if (typeof value === 'string' || value === null) continue;
    throw unread(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(value)} into Go struct field .${field} of type string`,
    );
  }
  return { apiVersion: String(apiVersion ?? ''), kind: String(kind ?? '') };
}

const wrongType = (value: unknown, field: string, type: string) =>
  unread(`json: cannot unmarshal ${jsonKind(value)} into Go struct field ${field} of type ${type}`);

/** The members of a response by their types; absent and null are the same. */
class Fields {
  readonly #json: JsonFields;

  constructor(json: JsonFields) {
    this.#json = json;
  }

  text(name: string): string | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw this.#wrong(name, value, name === 'uid' ? 'types.UID' : name === 'patchType' ? 'v1.PatchType' : 'string');
  }

  flag(name: string): boolean | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#wrong(name, value, 'bool');
  }

  list(name: string): readonly string[] | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.#wrong(name, value, '[]string');
    return value.map((each: unknown) => {
      if (each === null) return '';
      if (typeof each === 'string') return each;
      throw this.#wrong(name, each, 'string');
    });
  }

  texts(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.#json[name] ?? undefined;
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.#wrong(name, value, 'map[string]string');
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => {
        if (each === null || each === undefined) return [key, ''];
        if (typeof each === 'string') return [key, each];
        throw this.#wrong(name, each, 'string');
      }),
    );
  }

  #wrong(name: string, value: unknown, type: string): BadAnswer {
    return wrongType(value, `AdmissionResponse.response.${name}`, type);
  }
}

/** Bytes as JSON has them. Go reads them strictly. */
function decodeBase64(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const clean = text.replace(/[\r\n]/g, '');
  const good = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?/.exec(clean)?.[0].length ?? 0;
  if (good < clean.length) {
    const wrong = /[^A-Za-z0-9+/]/.exec(clean.slice(good))?.index ?? 0;
    throw unread(`illegal base64 data at input byte ${good + wrong}`);
  }
  return Buffer.from(clean, 'base64').toString('utf8');
}

/** The members of a `Status` that a refusal may carry; of another type than they should be they are refused. */
function readStatus(value: unknown): Partial<Status> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw wrongType(value, 'AdmissionResponse.response.status', 'v1.Status');
  for (const [name, type] of [
    ['message', 'string'],
    ['reason', 'string'],
    ['status', 'string'],
    ['code', 'number'],
  ] as const) {
    const member = value[name];
    if (member === undefined || member === null || jsonKind(member) === type) continue;
    const goType = name === 'reason' ? 'v1.StatusReason' : name === 'code' ? 'int32' : 'string';
    throw wrongType(member, `Status.response.status.${name}`, goType);
  }
  // What a client of this server is told is what the webhook wrote: its members have been looked at above.
  return value as Partial<Status>;
}

/** A refusal as it goes to the client: the webhook's own Status, made whole, with the webhook's name in its message. */
export function denial(webhook: string, given: Partial<Status> | undefined): StatusError {
  const { message, reason, code = 0, status, metadata, details } = given ?? {};
  const denied = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const why = message || reason;
  return new StatusError({
    metadata: metadata ?? {},
    status: status === undefined || status === '' || status === 'Success' ? 'Failure' : status,
    message: why ? `${denied}: ${why}` : `${denied} without explanation`,
    ...(reason && { reason }),
    ...(details && { details }),
    code: code < 400 ? 400 : code,
  });
}
