import type { ApiRequest } from '@keelson/core';
import { decodeAs, definitionOf } from '../schema/index.ts';
import { inOrder } from './builtin-kinds.ts';
import type { ServedSubresource } from './contract.ts';
import { type Decodable, decodeBody } from './decode-body.ts';
import { draftJson, isObject, type ObjectDraft } from './draft.ts';
import type { Kind } from './kind.ts';
import type { Strategy } from './strategy.ts';

/**
 * The body of a subresource that has a kind of its own (Binding, Eviction, Scale …), decoded as every other: by its
 * schema, with warnings of what it does not know. Throws a 400 in the words of Kubernetes' decoder.
 */
export function decodeOwnBody(
  kind: ServedSubresource['kind'],
  request: ApiRequest,
  warn: (text: string) => void,
): ObjectDraft {
  return decodeBody(ownKind(kind), request.body ?? {}, request, warn);
}

/** Of the kinds that come only as subresources one has a default that no schema tells. */
function ownStrategy(kind: string): Strategy {
  if (kind !== 'TokenRequest') return {};
  return {
    defaults(object) {
      const draft = draftJson(object);
      const spec = isObject(draft['spec']) ? draft['spec'] : {};
      draft['spec'] = { ...spec, expirationSeconds: spec['expirationSeconds'] ?? 3600 };
    },
  };
}

const wholes = new WeakMap<Kind, Map<string, Kind>>();

/** A subresource's own kind as if it were one that is served in the place of `kind`: admission and ownership follow it. */
export function inPlaceOf(kind: Kind, own: ServedSubresource['kind']): Kind {
  const made = wholes.get(kind) ?? new Map<string, Kind>();
  wholes.set(kind, made);
  const known = made.get(own.kind);
  if (known) return known;
  const { served, ...rest } = ownKind(own);
  const whole: Kind = {
    ...kind,
    ...rest,
    served: { ...kind.served, ...served },
    strategy: ownStrategy(own.kind),
    view: (object) => object,
  };
  made.set(own.kind, whole);
  return whole;
}

const known = new Map<string, Decodable>();

function ownKind({ group, version, kind }: ServedSubresource['kind']): Decodable {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const key = `${apiVersion}/${kind}`;
  let made = known.get(key);
  if (!made) {
    const definition = definitionOf(group, version, kind);
    if (definition === undefined) throw new Error(`no schema of ${key}`);
    made = {
      apiVersion,
      served: { group, version, kind, definition, custom: false },
      decode(body) {
        const unknown: string[] = [];
        // Its schema gives every object metadata.
        return { object: inOrder(decodeAs(definition, body, { unknown }) as ObjectDraft, kind, apiVersion), unknown };
      },
    };
    known.set(key, made);
  }
  return made;
}
