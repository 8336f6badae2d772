import type { CustomResourceDefinition, JSONSchemaProps } from '../api/index.ts';
import { isJsonObject, isStatusError } from '../machinery/index.ts';

/**
 * What a server found wrong with a definition, by the places where it was written: `Website: spec.range: …` instead of
 * `spec.validation.openAPIV3Schema.properties[spec].properties[range].x-kubernetes-validations[0].rule: …`. Other errors
 * come back as they are.
 */
export function refusedDefinition(error: unknown, { spec }: CustomResourceDefinition): unknown {
  if (!isStatusError(error, 'Invalid')) return error;
  const causes = error.status.details?.causes ?? [];
  if (causes.length === 0) return error;
  const lines = causes.map(({ field = '', message = '' }) => {
    const [, version, path] =
      /^spec\.(?:validation|versions\[(\d+)\]\.schema)\.openAPIV3Schema\.?(.*)$/.exec(field) ?? [];
    if (path === undefined) return `${spec.names.kind}: ${field}: ${message}`;
    const { name, schema } = spec.versions[Number(version ?? 0)] ?? {};
    const at = [spec.names.kind, ...(spec.versions.length > 1 && name !== undefined ? [name] : []), placeOf(path)];
    const rule = ruleAt(schema?.openAPIV3Schema, path);
    return `${at.filter((each) => each !== '').join(': ')}: ${rule === undefined ? '' : `the rule ${JSON.stringify(rule)}: `}${message}`;
  });
  return new Error(lines.join('\n'), { cause: error });
}

const step = /^(?:properties\[([^\]]*)\]|(items)|(additionalProperties)|([^.[]+)(\[\d+\])?)\.?/;

/** Of `properties[spec].properties[list].items.x-kubernetes-validations[0].rule`: `spec.list[]`. */
function placeOf(path: string): string {
  let place = '';
  let rest = path;
  for (let match = step.exec(rest); match && rest !== ''; match = step.exec(rest)) {
    const [all, property, items, values, other] = match;
    rest = rest.slice(all.length);
    if (property !== undefined) place += place === '' ? property : `.${property}`;
    else if (items) place += '[]';
    else if (values) place += '[*]';
    else if (other === 'x-kubernetes-validations') return place;
    else return `${place}${place === '' ? '' : ' '}(${all}${rest})`;
  }
  return place;
}

/** The rule in CEL that a path leads to. */
function ruleAt(schema: JSONSchemaProps | undefined, path: string): string | undefined {
  let at: unknown = schema;
  const parts = path
    .replaceAll(/properties\[([^\]]*)\]/g, 'properties.$1')
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.');
  const rules = parts.indexOf('x-kubernetes-validations');
  if (rules < 0) return undefined;
  for (const part of [...parts.slice(0, rules + 2), 'rule']) {
    if (Array.isArray(at)) at = at[Number(part)];
    else at = isJsonObject(at) ? at[part] : undefined;
  }
  return typeof at === 'string' ? at : undefined;
}
