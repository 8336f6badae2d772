import type { CallExpression, Expression } from '../syntax/expression.ts';
import type { CelIssue } from '../syntax/source.ts';
import type { CelKind, CelType } from '../type.ts';
import { type FormatLetter, formatMistake, formatParts } from './string-format.ts';

type Types = ReadonlyMap<number, CelType>;

/** Kinds of types that a letter may be given; what only values tell is looked at when they are there. */
const taken: Readonly<Record<FormatLetter, ReadonlySet<CelKind>>> = {
  s: new Set<CelKind>([
    ...(['bool', 'bytes', 'double', 'duration', 'int', 'list', 'map', 'null', 'string', 'timestamp', 'type'] as const),
    'uint',
  ]),
  d: new Set(['int', 'uint']),
  f: new Set(['double', 'string']),
  e: new Set(['double', 'string']),
  b: new Set(['int', 'uint', 'bool']),
  x: new Set(['int', 'uint', 'string', 'bytes']),
  X: new Set(['int', 'uint', 'string', 'bytes']),
  o: new Set(['int', 'uint']),
};
const untold: ReadonlySet<CelKind> = new Set(['dyn', 'any', 'param', 'error', 'wrapper']);

/** What is wrong with `"…".format([…])` that the text of the expression tells already. */
export function formatIssue(
  { function: name, target, args, offset }: CallExpression,
  types: Types,
): CelIssue | undefined {
  const [list] = args;
  if (name !== 'format' || target?.kind !== 'literal' || typeof target.value !== 'string') return undefined;
  if (list?.kind !== 'list') return undefined;
  const { elements } = list;
  let index = 0;
  for (const part of formatParts(target.value)) {
    if ('problem' in part) return { offset, message: part.problem };
    if ('text' in part) continue;
    const element = elements[index];
    if (!element) return { offset, message: `index ${index} out of range` };
    const issue = elementIssue(part.letter, element, types);
    if (issue) return issue;
    index += 1;
  }
  if (index === elements.length) return undefined;
  return {
    offset,
    message: `too many arguments supplied to string.format (expected ${index}, got ${elements.length})`,
  };
}

function elementIssue(letter: FormatLetter, element: Expression, types: Types): CelIssue | undefined {
  const type = types.get(element.id);
  if (!type || untold.has(type.kind)) return undefined;
  if (!taken[letter].has(type.kind)) return { offset: element.offset, message: formatMistake(letter, type.name) };
  for (const inner of innerOf(element)) {
    const issue = elementIssue(letter, inner, types);
    if (issue) return issue;
  }
  return undefined;
}

/** What stands within a list or a map that is written out. */
function innerOf(expression: Expression): readonly Expression[] {
  if (expression.kind === 'list') return expression.elements;
  return expression.kind === 'map' ? expression.entries.flatMap(({ key, value }) => [key, value]) : [];
}
