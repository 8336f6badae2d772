import { SelectorError } from './label-selector-text.ts';

/** One condition on one field, for example `spec.nodeName=worker`. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/**
 * Reads `metadata.name=a,status.phase!=Running`; `\,` `\=` and `\\` stand for themselves in values. Empty terms are
 * skipped, as the API does. Throws `SelectorError` with the API's words.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  return splitTerms(text)
    .filter((term) => term !== '')
    .map(parseTerm);
}

function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let term = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === ',') {
      terms.push(term);
      term = '';
    } else if (char === '\\' && at + 1 < text.length) {
      term += char + text[++at];
    } else term += char;
  }
  return [...terms, term];
}

function parseTerm(term: string): FieldRequirement {
  const match = /^(.*?)(!=|==|=)(.*)$/s.exec(term);
  if (!match) throw new SelectorError(`invalid selector: '${term}'; can't understand '${term}'`);
  const [, field = '', operator, value = ''] = match;
  return { field, operator: operator === '!=' ? '!=' : '=', value: unescaped(value) };
}

function unescaped(value: string): string {
  let result = '';
  for (let at = 0; at < value.length; at++) {
    const char = value[at]!;
    if (char === '\\') {
      const next = value[++at];
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw new SelectorError(`invalid field selector: invalid escape sequence: \\${next ?? ''}`);
      }
      result += next;
    } else if (char === '=' || char === ',') {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${char.charCodeAt(0)}`);
    } else result += char;
  }
  return result;
}

/** Whether an object whose fields `fieldOf` tells satisfies every condition; an absent field counts as `''`. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  fieldOf: (field: string) => string | undefined,
): boolean {
  return requirements.every(({ field, operator, value }) => ((fieldOf(field) ?? '') === value) === (operator === '='));
}

/** A field selector as text, the opposite of parsing one: `metadata.name=hello`. */
export function formatFieldSelector(requirements: readonly FieldRequirement[]): string {
  return requirements
    .map(({ field, operator, value }) => `${field}${operator}${value.replaceAll(/[\\,=]/g, '\\$&')}`)
    .join(',');
}
