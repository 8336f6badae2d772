import { type ApiRequest, type Clock, type PatchType, type RequestOptions, StatusError } from '@keelson/core';
import type { HttpRequest } from '../authentication/index.ts';
import type { Stay } from '../fairness/index.ts';
import type { ServedResource } from '../registry/contract.ts';
import { managerFromUserAgent } from '../registry/ownership/manager-name.ts';
import type { DecodedBody } from './body-findings.ts';
import {
  checkMediaType,
  decodeDeleteOptions,
  decodeObject,
  decodePatch,
  mediaTypeOf,
  unsupportedMediaType,
} from './decode-body.ts';
import { readBody } from './read-body.ts';
import type { ResourceRequest } from './request-info.ts';
import { parseDeleteOptions, parseQueryOptions, parseSelection } from './request-options.ts';

export interface Payload {
  readonly body?: unknown;
  readonly options: RequestOptions;
  readonly findings: readonly string[];
  readonly bodyFindings?: ApiRequest['bodyFindings'];
  readonly patchType?: PatchType;
  /** The options that the body of a DELETE gave. */
  readonly deletion?: RequestOptions;
  readonly program?: string;
}

const patchTypes: readonly PatchType[] = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** The kind of a PATCH by its content type. Throws 415; custom resources know no strategic merge. */
export function patchTypeOf(contentType: string, custom: boolean): PatchType {
  const found = patchTypes.find((each) => each === mediaTypeOf(contentType));
  if (found && !(custom && found === 'application/strategic-merge-patch+json')) return found;
  if (!custom) throw StatusError.of(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  throw unsupportedMediaType(patchTypes.filter((each) => each !== 'application/strategic-merge-patch+json'));
}

export interface ReadPayloadOptions {
  readonly clock: Clock;
  /** Paused while the body does not come. */
  readonly stay: Stay | undefined;
}

/** Reads what a request asks for besides its path: options and, of one that writes, the body. */
export async function readPayload(
  request: HttpRequest,
  query: URLSearchParams,
  info: ResourceRequest,
  served: ServedResource,
  { clock, stay }: ReadPayloadOptions,
): Promise<Payload> {
  const reading = { clock, stalled: () => stay?.pause() };
  const deletes = info.verb === 'delete' || info.verb === 'deletecollection';
  const bytesOfDeletion = deletes ? await readBody(request, reading) : undefined;
  if (deletes) await stay?.resume();
  if (bytesOfDeletion && bytesOfDeletion.length > 0) {
    // What a body says goes alone: the query then has only what selects.
    const selection = info.verb === 'delete' ? {} : parseSelection(query);
    const said = parseDeleteOptions(decodeDeleteOptions(bytesOfDeletion, contentTypeOf(request)));
    return { options: { ...selection, ...said }, findings: [], deletion: said };
  }
  if (deletes || info.verb === 'get' || info.verb === 'list' || info.verb === 'watch') {
    return { options: parseQueryOptions(query, info.verb), findings: [] };
  }
  const contentType = contentTypeOf(request);
  const patchType = info.verb === 'patch' ? patchTypeOf(contentType, served.custom) : undefined;
  // Of a create alone the type of the body is looked at before all else.
  if (info.verb === 'create') checkMediaType(contentType);
  const bytes = await readBody(request, reading);
  await stay?.resume();
  // What is asked for is looked at before what is sent.
  const options = parseQueryOptions(query, info.verb, patchType);
  const own =
    info.subresource === undefined
      ? undefined
      : served.subresources.find(({ name }) => name === info.subresource)?.kind;
  const kind = own?.kind ?? served.kind;
  const decoded: DecodedBody = patchType
    ? decodePatch(bytes, patchType, options.fieldValidation === 'Ignore')
    : decodeObject(bytes, contentType, kind, apiVersionOf(own ?? served));
  const validation = options.fieldValidation ?? 'Warn';
  // Where the registry decodes what is sent, it tells these findings together with its own.
  const together = !(patchType && info.subresource === 'scale');
  if (validation === 'Strict' && decoded.findings.length > 0 && !together) {
    throw StatusError.badRequest(
      `${kind} in version ${JSON.stringify(info.version)} cannot be handled as a ${kind}: strict decoding error: ${decoded.withUnknown([], 'error').join(', ')}`,
    );
  }
  const program = managerOf(request);
  const payload: { -readonly [Field in keyof Payload]: Payload[Field] } = {
    body: decoded.value,
    options,
    findings: validation === 'Ignore' || together ? [] : decoded.findings,
  };
  if (together && decoded.findings.length > 0) {
    payload.bodyFindings = (unknown) => decoded.withUnknown(unknown, validation === 'Strict' ? 'error' : 'warnings');
  }
  if (patchType) payload.patchType = patchType;
  if (program !== '') payload.program = program;
  return payload;
}

const apiVersionOf = ({ group, version }: { readonly group: string; readonly version: string }) =>
  group === '' ? version : `${group}/${version}`;

/** A client that names no field manager is known by the first word of its user agent. */
function managerOf(request: HttpRequest): string {
  return managerFromUserAgent(request.headers['user-agent'] ?? '');
}

const contentTypeOf = (request: HttpRequest) => String(request.headers['content-type'] ?? '');
