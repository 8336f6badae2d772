import type { CelLibrary } from '../contract.ts';
import { boolType, listType, mapType, stringType } from '../standard-types.ts';
import { CelType } from '../type.ts';
import { CelArray, CelError, CelObject, type CelValue } from '../value.ts';
import { perCharacter, readingCost, sizeEstimate } from './cost-rules.ts';
import { call, method, named } from './declare.ts';
import { EntryMap } from './entry-map.ts';
import { noSuchOverload } from './equality.ts';
import { type GoUrl, hostnameOf, parseGoUrl, portOf, queryOf } from './go-url.ts';

export const urlType = new CelType<CelUrl>('object', 'kubernetes.URL');

/** A URL as a value of CEL. */
export class CelUrl extends CelObject {
  readonly url: GoUrl;
  /** As it was written. */
  readonly text: string;

  constructor(text: string, url: GoUrl) {
    super();
    this.url = url;
    this.text = text;
  }

  get type(): CelType {
    return urlType;
  }

  override equals(other: CelValue): boolean {
    if (!(other instanceof CelUrl)) throw noSuchOverload();
    const [mine, theirs] = [this.url, other.url];
    return (
      mine.scheme === theirs.scheme &&
      mine.opaque === theirs.opaque &&
      mine.user === theirs.user &&
      mine.host === theirs.host &&
      mine.escapedPath === theirs.escapedPath &&
      mine.query === theirs.query &&
      mine.fragment === theirs.fragment
    );
  }
}

function celUrl(text: string): CelUrl {
  const url = parseGoUrl(text);
  if (typeof url === 'string') throw new CelError(`URL parse error during conversion from string: ${url}`);
  return new CelUrl(text, url);
}

const urlCost = readingCost(0, perCharacter, ([text]) => sizeEstimate(text));

function query({ url }: CelUrl): EntryMap {
  return EntryMap.of([...queryOf(url)].map(([key, values]) => [key, new CelArray(values)]));
}

const texts = [
  ['getScheme', 'url_get_scheme', ({ scheme }: GoUrl) => scheme],
  ['getHost', 'url_get_host', ({ host }: GoUrl) => host],
  ['getHostname', 'url_get_hostname', hostnameOf],
  ['getPort', 'url_get_port', portOf],
  ['getEscapedPath', 'url_get_escaped_path', ({ escapedPath }: GoUrl) => escapedPath],
] as const;

/** Kubernetes' functions for URLs: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library */
export const urlLibrary: CelLibrary = {
  name: 'kubernetes.urls',
  functions: [
    named('url', call('string_to_url', [stringType], urlType, celUrl, urlCost)),
    named(
      'isURL',
      call('is_url_string', [stringType], boolType, (text) => typeof parseGoUrl(text) !== 'string'),
    ),
    ...texts.map(([name, id, part]) =>
      named(
        name,
        method(id, [urlType], stringType, ({ url }) => part(url)),
      ),
    ),
    named('getQuery', method('url_get_query', [urlType], mapType(stringType, listType(stringType)), query)),
  ],
};
