import { StatusError } from '@keelson/core';
import { protobufMediaType } from './protobuf/envelope.ts';

export type Transformation = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

export type MediaType = 'application/json' | 'application/yaml' | typeof protobufMediaType;

/** In what form an answer goes out. */
export interface OutputFormat {
  readonly mediaType: MediaType;
  readonly as?: Transformation;
  /** Version of the group meta.k8s.io that the transformed object is in. */
  readonly metaVersion: string;
  readonly pretty: boolean;
}

interface Clause {
  readonly type: string;
  readonly subtype: string;
  readonly mediaType: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** What objects are written in, in the order in which a wildcard chooses. */
export const mediaTypes: readonly MediaType[] = ['application/json', 'application/yaml', protobufMediaType];

const transformations: readonly Transformation[] = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'];

/**
 * The clauses of an Accept header (RFC 9110, 12.5.1), the most wanted first, as Kubernetes reads it: letter case
 * counts, a quality of 0 is only the least wanted, a parameter without a value is none.
 */
export function parseAccept(header: string | undefined): readonly Clause[] {
  const clauses = (header || '*/*').split(',').flatMap((each): Clause[] => {
    const [range = '', ...rest] = each.trim().split(';');
    const [type = '', subtype, more] = range.split('/').map((part) => part.trim());
    if (more !== undefined || (subtype === undefined && type !== '*')) return [];
    let quality = 1;
    const parameters = new Map<string, string>();
    for (const part of rest) {
      const [name = '', value = '', further] = part.split('=');
      if (value === '' || further !== undefined) continue;
      if (name.trim() === 'q') quality = Number.parseFloat(value) || 0;
      else parameters.set(name.trim(), value.trim());
    }
    return [{ type, subtype: subtype ?? '*', mediaType: `${type}/${subtype ?? '*'}`, parameters, quality }];
  });
  return clauses.sort((a, b) => b.quality - a.quality || wildcards(a) - wildcards(b));
}

const plainJson: OutputFormat = { mediaType: 'application/json', metaVersion: 'v1', pretty: false };

const wildcards = ({ type, subtype }: Clause) => (type === '*' ? 2 : subtype === '*' ? 1 : 0);

export interface NegotiateOptions {
  /** By query or by the kind of client. */
  readonly pretty: boolean;
  /** Of the resource: the only one that `sv=` may name. */
  readonly version?: string;
  /** Objects that have no form in protobuf; their metadata has. */
  readonly custom?: boolean;
  /** Whether objects may be turned into others. Default: they may. */
  readonly transform?: boolean;
  /** Whether a Table can be made of them. Default: it can. */
  readonly tables?: boolean;
}

/**
 * Chooses the form of an answer: the first clause that can be given. Rejects with 406, which names what there is.
 */
export function negotiate(accept: string | undefined, options: NegotiateOptions): OutputFormat {
  // What most programs send, and what nothing else can turn into another form.
  if (!options.pretty && (!accept || accept === 'application/json')) return plainJson;
  const found = choose(accept, options);
  if (!found) throw onlyAccepted(mediaTypes);
  return found;
}

/** Refuses what has no frames for a stream of objects, with 406. */
export function checkStream(mediaType: MediaType): void {
  if (mediaType === 'application/yaml') throw onlyAccepted(streams);
}

/** As `negotiate`, without objects turned into others; `undefined` where nothing can be given. */
export function negotiatePlain(accept: string | undefined, pretty: boolean): OutputFormat | undefined {
  return choose(accept, { pretty, transform: false });
}

function choose(accept: string | undefined, options: NegotiateOptions): OutputFormat | undefined {
  if (!accept) return { mediaType: 'application/json', metaVersion: 'v1', pretty: options.pretty };
  for (const clause of parseAccept(accept)) {
    for (const mediaType of mediaTypes) {
      const fits = clause.mediaType === mediaType || clause.mediaType === '*/*' || clause.mediaType === 'application/*';
      const format = fits ? formatOf(clause.parameters, mediaType, options) : undefined;
      if (format) return format;
    }
  }
  return undefined;
}

function formatOf(
  parameters: Clause['parameters'],
  mediaType: MediaType,
  { pretty, version, custom = false, transform = true, tables = true }: NegotiateOptions,
): OutputFormat | undefined {
  const stream = parameters.get('stream');
  if (stream !== undefined && (stream !== 'watch' || mediaType === 'application/yaml')) return undefined;
  const served = parameters.get('sv');
  if (served !== undefined && served !== version) return undefined;
  const base = { mediaType, metaVersion: 'v1', pretty: pretty || parameters.get('pretty') === '1' };
  const [as, group, metaVersion] = [parameters.get('as'), parameters.get('g'), parameters.get('v')];
  if (as === undefined && group === undefined && metaVersion === undefined) {
    return custom && mediaType === protobufMediaType ? undefined : base;
  }
  const transformation = transformations.find((each) => each === as);
  if (!transform || !transformation || group !== 'meta.k8s.io') return undefined;
  if (metaVersion !== 'v1' && metaVersion !== 'v1beta1') return undefined;
  if (transformation === 'Table' && (!tables || mediaType === protobufMediaType)) return undefined;
  return { ...base, as: transformation, metaVersion };
}

const streams = mediaTypes.filter((each) => each !== 'application/yaml').map((each) => `${each};stream=watch`);
const listTypes: readonly string[] = [...mediaTypes, ...streams];

export function onlyAccepted(types: readonly string[]): StatusError {
  return StatusError.of(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`);
}

/** What an endpoint produces by its description; for a list also what a watch does. */
export const produced = (list: boolean): readonly string[] => (list ? listTypes : mediaTypes);

/**
 * The check before an endpoint of Kubernetes is entered: one of the media types named must be one that it produces.
 * Wildcards for a subtype and parameters do not count here. Rejects with 406.
 */
export function checkAccept(accept: string | undefined, types: readonly string[]): void {
  if (!accept || types.includes(accept)) return;
  const wanted = accept.split(',').map((each) => (each.split(';')[0] ?? '').trim());
  if (wanted.some((each) => each === '*/*' || types.includes(each))) return;
  const message = `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`;
  throw StatusError.of(406, 'NotAcceptable', message, {});
}

/** Go's `strconv.ParseBool`. */
const isTrue = (text: string) => /^(1|t|T|TRUE|true|True)$/.test(text);

/** People at a terminal or browser get indented JSON, as from Kubernetes. */
export function wantsPretty(query: URLSearchParams, userAgent: string | undefined): boolean {
  const asked = query.get('pretty');
  if (asked) return isTrue(asked);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent ?? '');
}
