import { isJsonObject } from '@keelson/core';

/** A request, as far as it says what is asked of whom. */
export interface AskedRequest {
  readonly verb: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly patchType?: string;
  readonly body?: unknown;
}

/** For people, and to find one again: `update shops/status default/corner`. */
export function requestText({ verb, resource, subresource, namespace, name, patchType, body }: AskedRequest): string {
  const of = name ?? nameIn(body);
  const what = patchType === 'application/apply-patch+yaml' ? 'apply' : verb;
  return `${what} ${resource}${subresource ? `/${subresource}` : ''}${of ? ` ${namespace ? `${namespace}/` : ''}${of}` : ''}`;
}

function nameIn(body: unknown): string {
  const metadata = isJsonObject(body) ? body['metadata'] : undefined;
  if (!isJsonObject(metadata)) return '';
  const { name, generateName } = metadata;
  if (typeof name === 'string') return name;
  return typeof generateName === 'string' ? `${generateName}…` : '';
}
