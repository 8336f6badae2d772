import { isJsonObject, type KubernetesObject, validateAnnotations, validateLabels } from '@keelson/core';
import { jsonKind } from '@keelson/core/machinery';

/** A conversion webhook was not asked, did not answer, or said what cannot be used: what Kubernetes says of it. */
export class ConversionError extends Error {
  override readonly name = 'ConversionError';
}

export type ConversionReviewVersion = 'v1' | 'v1beta1';

const group = 'apiextensions.k8s.io';

/** `example.com/v1, Kind=Thing`: how messages name a type. */
export const typeText = ({ apiVersion = '', kind = '' }: { readonly apiVersion?: string; readonly kind?: string }) =>
  `${apiVersion === '' ? '/' : apiVersion}, Kind=${kind}`;

/** The body of a request to a conversion webhook: a ConversionReview of `apiextensions.k8s.io`. */
export function conversionReview(
  version: ConversionReviewVersion,
  uid: string,
  desiredAPIVersion: string,
  objects: readonly KubernetesObject[],
): string {
  return JSON.stringify({
    kind: 'ConversionReview',
    apiVersion: `${group}/${version}`,
    request: { uid, desiredAPIVersion, objects },
  });
}

/** What was asked for. */
export interface ConversionRequest {
  readonly version: ConversionReviewVersion;
  readonly uid: string;
  readonly desiredAPIVersion: string;
  /** All of one version and kind. */
  readonly objects: readonly KubernetesObject[];
}

/**
 * The converted objects of an answer, in the order of those that were sent: metadata stays as it was but for labels and
 * annotations. Throws `ConversionError`.
 */
export function readConverted(text: string, request: ConversionRequest): readonly KubernetesObject[] {
  const { objects } = request;
  const [first] = objects;
  const from = `conversion webhook for ${typeText(first ?? {})}`;
  const given = readResponse(text, request, (why) => new ConversionError(`${from} failed: ${why}`));
  if (given.length !== objects.length) {
    throw new ConversionError(`${from} returned ${given.length} objects, expected ${objects.length}`);
  }
  return objects.map((original, index) => {
    const converted = readObject(given[index]);
    const invalid = (why: string) => new ConversionError(`${from} returned invalid object${why}`);
    const { apiVersion, kind } = converted;
    if (apiVersion !== request.desiredAPIVersion) {
      const received = typeof apiVersion === 'string' ? apiVersion : '';
      throw invalid(
        ` at index ${index}: invalid groupVersion (expected ${request.desiredAPIVersion}, received ${received})`,
      );
    }
    if (kind !== original.kind) {
      throw invalid(` at index ${index}: invalid kind (expected ${original.kind}, received ${String(kind)})`);
    }
    const metadata = isJsonObject(converted['metadata']) ? converted['metadata'] : {};
    checkSame(original, metadata, invalid);
    const rest = { ...converted };
    // Go reads a null as nothing where an object is meant; the schema prunes it.
    delete rest['metadata'];
    const kept = keepMetadata(
      original,
      metadata,
      (why) => new ConversionError(`${from} returned invalid metadata: ${why}`),
    );
    return { ...rest, metadata: kept };
  });
}

type JsonFields = Readonly<Record<string, unknown>>;

const typeShape =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
const knownKinds = new Set(['v1.ConversionReview', 'v1beta1.ConversionReview']);

function readReview(text: string, version: ConversionReviewVersion, failed: (why: string) => Error): JsonFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Kubernetes reads YAML here, of which any text is a string.
    value = '';
  }
  if (value === null) value = {};
  const shapeless = (found: unknown, what: string) =>
    failed(`couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonKind(found)} into Go ${what}`);
  if (!isJsonObject(value)) throw shapeless(value, `value of type ${typeShape}`);
  const { apiVersion = '', kind = '' } = value;
  for (const [field, each] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const) {
    if (typeof each !== 'string' && each !== null) throw shapeless(each, `struct field .${field} of type string`);
  }
  const expected = `${group}/${version}`;
  if (apiVersion && kind && !(apiVersion === expected && kind === 'ConversionReview')) {
    const [last = ''] = String(apiVersion).split('/').toReversed();
    const isStatus = apiVersion === 'v1' && kind === 'Status';
    if (isStatus || (String(apiVersion).startsWith(`${group}/`) && knownKinds.has(`${last}.${String(kind)}`))) {
      throw failed(`converting (${last}.${String(kind)}) to (${version}.ConversionReview): unknown conversion`);
    }
    throw failed(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  return value;
}

function readResponse(
  text: string,
  { version, uid }: ConversionRequest,
  failed: (why: string) => ConversionError,
): readonly unknown[] {
  const review = readReview(text, version, failed);
  const { response } = review;
  const wrong = (value: unknown, field: string, type: string) =>
    failed(`json: cannot unmarshal ${jsonKind(value)} into Go struct field ${field} of type ${type}`);
  const given = response ?? undefined;
  if (given !== undefined && !isJsonObject(given)) {
    throw wrong(given, 'ConversionReview.response', `${version}.ConversionResponse`);
  }
  const { uid: gotUid = '', convertedObjects = [], result = {} } = given ?? {};
  if (typeof gotUid !== 'string') throw wrong(gotUid, 'ConversionResponse.response.uid', 'types.UID');
  if (convertedObjects !== null && !Array.isArray(convertedObjects)) {
    throw wrong(convertedObjects, 'ConversionResponse.response.convertedObjects', '[]runtime.RawExtension');
  }
  if (result !== null && !isJsonObject(result)) {
    throw wrong(result, 'ConversionResponse.response.result', 'v1.Status');
  }
  if (version === 'v1') {
    const { apiVersion, kind } = review;
    if (apiVersion !== `${group}/v1` || kind !== 'ConversionReview') {
      const got = typeText({ apiVersion: String(apiVersion ?? ''), kind: String(kind ?? '') });
      throw failed(`expected webhook response of ${group}/v1, Kind=ConversionReview, got ${got}`);
    }
  }
  if (given === undefined) throw failed('no response provided');
  if (version === 'v1' && gotUid !== uid) {
    throw failed(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(gotUid)}`);
  }
  const { status = '', message } = result ?? {};
  if (status !== 'Success') {
    if (typeof message === 'string' && message !== '') throw failed(message);
    throw failed(`response.result.status was '${String(status)}', not 'Success'`);
  }
  return convertedObjects ?? [];
}

function readObject(value: unknown): JsonFields {
  if (value === null || value === undefined) throw new ConversionError('unexpected end of JSON input');
  if (!isJsonObject(value)) {
    throw new ConversionError(
      `json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`,
    );
  }
  const { apiVersion, kind } = value;
  const isVersion = typeof apiVersion !== 'string' || apiVersion.split('/').length <= 2;
  if (typeof kind !== 'string' || kind === '' || !isVersion) {
    throw new ConversionError(`Object 'Kind' is missing in '${JSON.stringify(value)}'`);
  }
  return value;
}

function checkSame({ metadata }: KubernetesObject, converted: JsonFields, invalid: (why: string) => Error): void {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  for (const [field, shown] of [
    ['name', 'name'],
    ['namespace', 'namespace'],
    ['uid', 'UID'],
  ] as const) {
    const [before, after] = [metadata[field] ?? '', text(converted[field])];
    if (before !== after) throw invalid(`: must have the same ${shown}: ${before} != ${after}`);
  }
}

const goTypes: Readonly<Record<string, string>> = {
  string: 'string',
  bool: 'bool',
  number: 'int64',
  array: '[]interface {}',
  object: 'map[string]interface {}',
  null: '<nil>',
};
const goTypeOf = (value: unknown): string =>
  typeof value === 'number' && !Number.isInteger(value) ? 'float64' : (goTypes[jsonKind(value)] ?? jsonKind(value));

function keepMetadata(
  { metadata }: KubernetesObject,
  converted: JsonFields,
  invalid: (why: string) => Error,
): KubernetesObject['metadata'] {
  const { labels: _labels, annotations: _annotations, ...rest } = metadata;
  const labels = textsIn(converted, 'labels', invalid);
  const annotations = textsIn(converted, 'annotations', invalid);
  const found = [
    ...validateLabels(labels, 'metadata.labels'),
    ...(annotations ? validateAnnotations(annotations, 'metadata.annotation') : []),
  ].map(({ field, message }) => `${field}: ${message}`);
  if (found.length > 0) throw invalid(found.length === 1 ? (found[0] ?? '') : `[${found.join(', ')}]`);
  return { ...rest, ...(labels && { labels }), ...(annotations && { annotations }) };
}

function textsIn(
  converted: JsonFields,
  field: 'labels' | 'annotations',
  invalid: (why: string) => Error,
): Readonly<Record<string, string>> | undefined {
  const value = converted[field] ?? undefined;
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw invalid(`invalid metadata.${field} of type ${goTypeOf(value)} in converted object`);
  const texts: Record<string, string> = {};
  for (const [key, each] of Object.entries(value)) {
    if (typeof each !== 'string') {
      throw invalid(`metadata.${field}[${key}] must be a string, but is ${goTypeOf(each)} in converted object`);
    }
    texts[key] = each;
  }
  return Object.keys(texts).length === 0 ? undefined : texts;
}
