import { StatusError } from '@keelson/core';
import { anyDefinitionOf, DecodeError, decodeAs, definitionOf, isKnownKind } from '../schema/index.ts';
import type { ServedResource } from './contract.ts';
import type { Json } from './draft.ts';

/** What a body says it is, after what it leaves open has been taken from the request. */
export interface BodyType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** The kind that a request is about. */
export type AskedKind = Pick<ServedResource, 'group' | 'version' | 'kind' | 'definition' | 'custom'>;

/** Kubernetes is three API servers in one, each with a scheme of its own. */
const ownSchemes = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io']);
const schemeOf = (group: string) => (ownSchemes.has(group) ? group : 'core');
const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/**
 * Checks that a body is of the kind that the request is about. Throws a 400 in the words of Kubernetes' codec: a kind
 * that is not known, one that cannot be converted, or another version.
 */
export function checkBodyType(
  { served, apiVersion }: { readonly served: AskedKind; readonly apiVersion: string },
  body: Readonly<Json>,
): void {
  if (body['kind'] === served.kind && body['apiVersion'] === apiVersion) return;
  const type = typeOf(served, body);
  if (type.kind === served.kind && type.group === served.group && type.version === served.version) return;
  const wrong = whyNotOfKind(served, type, body, () => JSON.stringify(body));
  if (wrong === undefined) {
    throw StatusError.badRequest(
      `the API version in the data (${groupVersionOf(type)}) does not match the expected API version (${apiVersion})`,
    );
  }
  throw StatusError.badRequest(
    `${type.kind} in version ${JSON.stringify(type.version)} cannot be handled as a ${served.kind}: ${wrong}`,
  );
}

const scheme = 'in scheme "pkg/runtime/scheme.go:111"';

/**
 * Why a document of another type cannot be taken for an object of the kind that was asked for, in the words of
 * Kubernetes' codec; undefined for another version of the same object. `shown` is the document as it was read.
 */
export function whyNotOfKind(
  served: AskedKind,
  type: BodyType,
  body: Readonly<Json>,
  shown: () => string,
): string | undefined {
  const { group, version, kind } = type;
  if (version === '') return `Object 'apiVersion' is missing in '${shown()}'`;
  if (version === '__internal') {
    const definition = anyDefinitionOf(group, kind);
    if (definition === undefined || schemeOf(group) !== schemeOf(served.group)) {
      return `no kind ${JSON.stringify(kind)} is registered for the internal version of group ${JSON.stringify(group)} ${scheme}`;
    }
    if (isSameObject(type, served)) return undefined;
    const from = definition.startsWith(metaPackage) ? `v1.${kind}` : internalName({ ...type, definition });
    return unknownConversion(from, served);
  }
  const definition = definitionOf(group, version, kind);
  if (!isKnown(served.group, type, definition)) {
    const groupVersion = JSON.stringify(groupVersionOf(type));
    return `no kind ${JSON.stringify(kind)} is registered for version ${groupVersion} ${scheme}`;
  }
  // What cannot be read is not converted.
  try {
    if (definition !== undefined) decodeAs(definition, body, { unknown: [] });
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
  return isSameObject(type, served) ? undefined : unknownConversion(`${version}.${kind}`, served);
}

const unknownConversion = (from: string, served: AskedKind) =>
  `converting (${from}) to (${internalName(served)}): unknown conversion`;

/** Alone of all fields these two are found in any spelling of their names: `Kind` counts as `kind`. */
function textOf(body: Readonly<Json>, name: string): string {
  let text = '';
  for (const key in body) if (key.toLowerCase() === name && typeof body[key] === 'string') text = body[key];
  return text;
}

const groupVersionOf = ({ group, version }: BodyType) => (group === '' ? version : `${group}/${version}`);

function typeOf(served: AskedKind, body: Readonly<Json>): BodyType {
  const text = textOf(body, 'apiversion');
  const kind = textOf(body, 'kind') || served.kind;
  const slash = text.indexOf('/');
  if (text.indexOf('/', slash + 1) > slash && slash >= 0) {
    throw StatusError.badRequest(
      `the object provided is unrecognized (must be of type ${served.kind}): unexpected GroupVersion string: ${text} (${excerpt(body)})`,
    );
  }
  const group = slash < 0 ? '' : text.slice(0, slash);
  const version = text.slice(slash + 1);
  const unsaid = version === '' && (group === '' || group === served.group);
  return unsaid ? { group: served.group, version: served.version, kind } : { group, version, kind };
}

/** The beginning of a body, as messages show it. */
export function excerpt(body: Readonly<Json>): string {
  const text = JSON.stringify(body);
  return text.length > 30 ? `${text.slice(0, 30)} ...` : text;
}

function isKnown(servedGroup: string, type: BodyType, definition: string | undefined): boolean {
  if (definition?.startsWith(metaPackage)) return true;
  const known = definition !== undefined || isKnownKind(groupVersionOf(type), type.kind);
  return known && schemeOf(type.group) === schemeOf(servedGroup);
}

/** What once was in one group for all that is new. */
const movedOn: Readonly<Record<string, string>> = {
  DaemonSet: 'apps',
  Deployment: 'apps',
  ReplicaSet: 'apps',
  Ingress: 'networking.k8s.io',
  NetworkPolicy: 'networking.k8s.io',
};

/** Versions of one kind, among them Events of both groups. */
function isSameObject(type: BodyType, served: AskedKind): boolean {
  if (type.kind !== served.kind) return false;
  const place = (group: string) =>
    group === 'extensions' ? movedOn[type.kind] : type.kind === 'Event' && group === 'events.k8s.io' ? '' : group;
  return place(type.group) === place(served.group);
}

/** What Go calls the version of a kind that all others are converted to, such as `core.Pod`. */
function internalName({ group, definition = '', kind }: Pick<AskedKind, 'group' | 'definition' | 'kind'>): string {
  return `${group === 'events.k8s.io' ? 'core' : definition.split('.').at(-3)}.${kind}`;
}
