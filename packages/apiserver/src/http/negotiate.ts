import { StatusError } from '@keelson/core';

export type Transformation = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

/** In what form an answer goes out. */
export interface OutputFormat {
  readonly mediaType: 'application/json' | 'application/yaml';
  readonly as?: Transformation;
  /** Version of the group meta.k8s.io that the transformed object is in. */
  readonly metaVersion: string;
  readonly pretty: boolean;
}

interface Clause {
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

const transformations: readonly Transformation[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

/** The clauses of an Accept header (RFC 9110, 12.5.1), the most wanted first. */
export function parseAccept(header: string | undefined): readonly Clause[] {
  const clauses = (header || '*/*').split(',').map((each) => {
    const [mediaType = '', ...rest] = each.split(';').map((part) => part.trim());
    const parameters = new Map(
      rest.map((part) => {
        const [name = '', value = ''] = part.split('=');
        return [name.trim().toLowerCase(), value.trim()] as const;
      }),
    );
    return { mediaType: mediaType.toLowerCase(), parameters, quality: Number(parameters.get('q') ?? 1) };
  });
  return clauses.filter((each) => each.quality > 0).sort((a, b) => b.quality - a.quality);
}

/**
 * Chooses the form of an answer. Clients of Kubernetes list protobuf before JSON and get JSON here. Rejects with 406
 * if nothing of what is listed can be given; `watch` also takes `;stream=watch`.
 */
export function negotiate(
  accept: string | undefined,
  options: { readonly pretty: boolean; readonly allow?: readonly Transformation[] },
): OutputFormat {
  let known = false;
  for (const { mediaType, parameters } of parseAccept(accept)) {
    const chosen = serialization(mediaType);
    if (!chosen) continue;
    known = true;
    const as = parameters.get('as');
    const base = { mediaType: chosen, pretty: options.pretty, metaVersion: parameters.get('v') ?? 'v1' };
    if (as === undefined) return { ...base, metaVersion: 'v1' };
    const transformation = (options.allow ?? transformations).find((each) => each === as);
    const version = parameters.get('v');
    if (transformation && parameters.get('g') === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1')) {
      return { ...base, as: transformation };
    }
  }
  throw notAcceptable(known);
}

function serialization(mediaType: string): OutputFormat['mediaType'] | undefined {
  if (mediaType === 'application/json' || mediaType === '*/*' || mediaType === 'application/*')
    return 'application/json';
  return mediaType === 'application/yaml' ? 'application/yaml' : undefined;
}

export function notAcceptable(known: boolean): StatusError {
  const types = 'application/json, application/yaml';
  if (known) return StatusError.of(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
  const message = `406: Not Acceptable\n\nAvailable representations: ${types}, application/json;stream=watch`;
  return StatusError.of(406, 'NotAcceptable', message, {});
}

/** People at a terminal or browser get indented JSON, as from Kubernetes. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked !== null) return asked !== 'false' && asked !== '0';
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent ?? '');
}
