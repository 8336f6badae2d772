import { formatIssue } from '../library/format-check.ts';
import { goRegexp } from '../library/go-regexp.ts';
import { timestamp } from '../standard/arithmetic.ts';
import { parseDuration, parseTimestamp } from '../standard/times.ts';
import type { CallExpression, Expression, LiteralExpression } from '../syntax/expression.ts';
import type { CelIssue } from '../syntax/source.ts';
import type { CelType } from '../type.ts';
import { CelError } from '../value.ts';
import type { CheckedExpression } from './checker.ts';
import { isExactly } from './substitution.ts';

/** Functions whose arguments may hold values of several types. */
const mixed = new Set(['format']);

/**
 * What Kubernetes checks beyond types: literals given to `duration`, `timestamp` and `matches` are ones, and the
 * elements of a list, the keys and the values of a map are of one type.
 */
export function checkLiterals({ expression, types }: CheckedExpression): readonly CelIssue[] {
  const issues: CelIssue[] = [];
  visit(expression, false, (node, exempt) => {
    if (node.kind === 'call') {
      checkArgument(node, issues);
      const issue = formatIssue(node, types);
      if (issue) issues.push(issue);
    }
    if (exempt) return;
    if (node.kind === 'list') {
      const inner = (each: Expression, index: number) => {
        const type = types.get(each.id);
        return node.optional.has(index) ? type?.parameters[0] : type;
      };
      checkSame(node.elements, node.elements.map(inner), issues);
    } else if (node.kind === 'map') {
      const { entries } = node;
      const value = ({ value, optional }: (typeof entries)[number]) => {
        const type = types.get(value.id);
        return optional ? type?.parameters[0] : type;
      };
      checkSame(
        entries.map((each) => each.key),
        entries.map((each) => types.get(each.key.id)),
        issues,
      );
      checkSame(
        entries.map((each) => each.value),
        entries.map(value),
        issues,
      );
    }
  });
  return issues;
}

function checkSame(nodes: readonly Expression[], types: readonly (CelType | undefined)[], issues: CelIssue[]): void {
  const [first] = types;
  for (const [index, node] of nodes.entries()) {
    const type = types[index];
    if (!first || !type || isExactly(first, type)) continue;
    issues.push({ offset: node.offset, message: `expected type '${first}' but found '${type}'` });
    return;
  }
}

const checks: Readonly<Record<string, (value: LiteralExpression['value']) => boolean>> = {
  duration: (value) => typeof value === 'string' && parseDuration(value) !== undefined,
  timestamp: (value) => isTimestamp(value),
  matches: (value) => typeof value !== 'string' || !('problem' in goRegexp(value)),
};

function isTimestamp(value: LiteralExpression['value']): boolean {
  try {
    if (typeof value === 'string') {
      const parsed = parseTimestamp(value);
      return parsed !== undefined && timestamp(parsed.nanoseconds) !== undefined;
    }
    return typeof value !== 'bigint' || timestamp(value * 1_000_000_000n) !== undefined;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

function checkArgument({ function: name, target, args }: CallExpression, issues: CelIssue[]): void {
  // Kubernetes looks at `x.matches(y)` only: what `matches(x, y)` is given is found out when the program is made.
  if (name === 'matches' && !target) return;
  const [argument] = args;
  if (argument?.kind !== 'literal' || !Object.hasOwn(checks, name) || checks[name]?.(argument.value)) return;
  issues.push({ offset: argument.offset, message: `invalid ${name} argument` });
}

/** All nodes; `exempt` within the arguments of a function that takes values of several types. */
function visit(node: Expression, exempt: boolean, look: (node: Expression, exempt: boolean) => void): void {
  look(node, exempt);
  const within = exempt || (node.kind === 'call' && mixed.has(node.function));
  for (const each of childrenOf(node)) visit(each, within, look);
}

function childrenOf(node: Expression): readonly Expression[] {
  switch (node.kind) {
    case 'select':
      return [node.operand];
    case 'call':
      return node.target ? [node.target, ...node.args] : node.args;
    case 'list':
      return node.elements;
    case 'map':
      return node.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return node.entries.map(({ value }) => value);
    case 'comprehension':
      return [node.range, node.init, node.condition, node.step, node.result];
    default:
      return [];
  }
}
