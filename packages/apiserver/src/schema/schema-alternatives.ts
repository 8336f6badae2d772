import type { Codec, Decoder } from './codec-contract.ts';
import { copy } from './copy.ts';

const prefix = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';

/** A schema or something simpler in its place, as JSON schema has it for `items`, `additionalProperties`, `dependencies`. */
export const isAlternative = (definition: string) => definition.startsWith(`${prefix}Or`);

/**
 * Go decodes these by code of their own, in a decoder of its own: nothing in them is said to be unknown, and what is
 * neither a schema nor the other thing is ignored, but for the boolean.
 */
export function alternativeDecoder(definition: string, codecOf: (definition: string) => Codec): Decoder {
  const schema = codecOf(prefix);
  const boolean = definition.endsWith('OrBool');
  return (value, findings) => {
    if (boolean && typeof value === 'boolean') return value;
    const start = findings.count;
    if (Array.isArray(value) && !boolean) {
      if (definition.endsWith('OrStringArray')) return value.length === 0 ? null : copy(value);
      const list = value.map((each: unknown) => (each === null ? schema.zero() : schema.decode(each, findings)));
      findings.separate(start);
      return list;
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const decoded = schema.decode(value, findings);
      findings.separate(start);
      return decoded;
    }
    if (boolean) findings.problem('boolean or JSON schema expected', 'fatal');
    return boolean ? undefined : null;
  };
}
