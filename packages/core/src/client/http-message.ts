import { StatusError, type StatusReason } from '../machinery/index.ts';
import type { ApiRequest, RequestOptions, Verb } from './contract.ts';

/** An API request as HTTP. */
export interface HttpMessage {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
}

const methods: Readonly<Record<Exclude<Verb, 'connect'>, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

/** @throws TypeError for `connect`, which is no request with one answer */
export function toHttpMessage(request: ApiRequest): HttpMessage {
  const { verb } = request;
  if (verb === 'connect')
    throw new TypeError(`${verb} needs a stream in both directions, which this transport does not open`);
  const deletes = verb === 'delete' || verb === 'deletecollection';
  const query = queryOf(request.options ?? {}, deletes, verb === 'watch');
  const content = deletes ? deleteOptions(request.options ?? {}) : request.body;
  return {
    method: methods[verb],
    path: pathOf(request) + (query === '' ? '' : `?${query}`),
    headers: {
      accept: request.metadataOnly ? acceptMetadata(verb) : 'application/json',
      ...(content !== undefined && { 'content-type': request.patchType ?? 'application/json' }),
    },
    ...(content !== undefined && { body: JSON.stringify(content) }),
  };
}

/** What to ask for to get metadata only; a server that cannot do it answers with the whole (api-concepts, "Metadata-only fetches"). */
function acceptMetadata(verb: Verb): string {
  const kind = verb === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}

export function pathOf({ group, version, resource, namespace, name, subresource }: ApiRequest): string {
  const parts = group === '' ? ['api', version] : ['apis', group, version];
  // A namespace is itself addressed as a resource: /api/v1/namespaces/x.
  if (namespace !== undefined && !(group === '' && resource === 'namespaces')) parts.push('namespaces', namespace);
  parts.push(resource);
  if (name !== undefined) parts.push(name);
  const path = `/${parts.map(encodeURIComponent).join('/')}`;
  // Subresources such as `proxy/metrics` are paths of their own.
  return subresource === undefined ? path : `${path}/${subresource.split('/').map(encodeURIComponent).join('/')}`;
}

function queryOf(options: RequestOptions, deletes: boolean, watch: boolean): string {
  const { dryRun, propagationPolicy: _, gracePeriodSeconds: __, preconditions: ___, ...scalars } = options;
  const query = new URLSearchParams();
  if (watch) query.set('watch', 'true');
  for (const [key, value] of Object.entries(scalars))
    if (value !== undefined && value !== '') query.set(key, String(value));
  if (!deletes) for (const each of dryRun ?? []) query.append('dryRun', each);
  return query.toString();
}

/** What a deletion says in its body; nothing if there is nothing to say. */
function deleteOptions(options: RequestOptions): object | undefined {
  const { dryRun, propagationPolicy, gracePeriodSeconds, preconditions } = options;
  const said = {
    ...(dryRun?.length && { dryRun }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
    ...(preconditions && { preconditions }),
  };
  return Object.keys(said).length === 0 ? undefined : { kind: 'DeleteOptions', apiVersion: 'v1', ...said };
}

/** What a request was answered. Go writes the list of an empty collection as null at times, of metadata always. */
export function parseAnswer({ verb }: Pick<ApiRequest, 'verb'>, text: string): unknown {
  const answer: unknown = JSON.parse(text);
  if (verb !== 'list' && verb !== 'deletecollection') return answer;
  const isBare = typeof answer === 'object' && answer !== null && 'items' in answer && answer.items === null;
  return isBare ? { ...answer, items: [] } : answer;
}

const reasons: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error in an answer: the `Status` in its body, or what the code alone tells (a proxy may have answered). */
export function toStatusError(code: number, retryAfter: string | undefined, text: string): StatusError {
  const seconds = retryAfter !== undefined && /^\d+$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const said = statusIn(text);
  const details = {
    ...said?.details,
    ...(seconds !== undefined && said?.details?.retryAfterSeconds === undefined && { retryAfterSeconds: seconds }),
  };
  const message =
    said?.message ?? (text.trim() === '' ? `the server answered with ${code}` : text.trim().slice(0, 1_024));
  return new StatusError({
    ...said,
    status: 'Failure',
    message,
    reason: said?.reason ?? reasons[code] ?? '',
    ...(Object.keys(details).length > 0 && { details }),
    code: said?.code ?? code,
  });
}

function statusIn(text: string): Partial<StatusError['status']> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isStatus(parsed) ? parsed : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function isStatus(value: unknown): value is StatusError['status'] {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}
