import type { Verb } from '@keelson/core';

/** What a request's method and path ask for. */
export type RequestInfo = ResourceRequest | NonResourceRequest;

export interface NonResourceRequest {
  readonly isResource: false;
  /** The method in lower case. */
  readonly verb: string;
  readonly path: string;
}

export interface ResourceRequest {
  readonly isResource: true;
  readonly verb: Exclude<Verb, 'connect'>;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What stands behind the subresource, such as the path to proxy; with its slash, undecoded. */
  readonly rest?: string;
  /** The path begins with `/watch/`, as clients asked for watches before there was `?watch`. */
  readonly watchPath?: boolean;
  /** Which of a collection are asked for, as it came; it counts for authorization. */
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

const namespaceSubresources = new Set(['status', 'finalize']);

/** Reads `/api/v1/…` and `/apis/GROUP/VERSION/…` (Kubernetes' API conventions, "Resource URIs"). */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo {
  const rawParts = path.split('/');
  rawParts.shift();
  const parts = path.includes('%') ? rawParts.map(decode) : rawParts.slice();
  while (parts.at(-1) === '') parts.pop();
  const [prefix] = parts;
  const core = prefix === 'api';
  if (!(core && parts.length >= 3) && !(prefix === 'apis' && parts.length >= 4)) {
    return { isResource: false, verb: method.toLowerCase(), path };
  }
  const group = core ? '' : (parts[1] ?? '');
  const version = (core ? parts[1] : parts[2]) ?? '';
  let start = core ? 2 : 3;
  const legacyWatch = parts[start] === 'watch';
  if (legacyWatch) start++;
  let namespace: string | undefined;
  if (parts[start] === 'namespaces' && parts.length > start + 2 && !namespaceSubresources.has(parts[start + 2] ?? '')) {
    namespace = parts[start + 1];
    start += 2;
  }
  const resource = parts[start] ?? '';
  const name = parts[start + 1];
  const subresource = parts[start + 2];
  const rest = rawParts.length > start + 3 ? `/${rawParts.slice(start + 3).join('/')}` : undefined;
  const verb = verbOf(method, name, legacyWatch, isTrue(query.get('watch')));
  const info: { -readonly [Field in keyof ResourceRequest]: ResourceRequest[Field] } = {
    isResource: true,
    verb,
    path,
    group,
    version,
    resource,
  };
  if (namespace) info.namespace = namespace;
  if (name) info.name = name;
  if (subresource) info.subresource = subresource;
  if (rest !== undefined) info.rest = rest;
  if (legacyWatch) info.watchPath = true;
  if (!name) {
    const selector = query.get('fieldSelector');
    if (selector) info.fieldSelector = selector;
    const labels = query.get('labelSelector');
    if (labels) info.labelSelector = labels;
  }
  return info;
}

/** `?watch` makes a watch of a list only; of one object it is asked for by the path. */
function verbOf(method: string, name: string | undefined, watchPath: boolean, watch: boolean): ResourceRequest['verb'] {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name ? 'delete' : 'deletecollection';
    default:
      if (watchPath) return 'watch';
      return name ? 'get' : watch ? 'watch' : 'list';
  }
}

export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
