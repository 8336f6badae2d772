import type { LabelSelector, Node, NodeSelectorTerm } from '@keelson/core';
import type { NodeMatcher } from '@keelson/core/scheduling';

type Labels = Readonly<Record<string, string>> | undefined;
export type LabelMatcher = (labels: Labels) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

function compileRequirement({ key, operator, values = [] }: Requirement): LabelMatcher {
  const single = values[0];
  const set = new Set(values);
  switch (operator) {
    case 'In':
      return values.length === 1
        ? (labels) => labels?.[key] === single
        : (labels) => labels?.[key] !== undefined && set.has(labels[key]!);
    case 'NotIn':
      return (labels) => labels?.[key] === undefined || !set.has(labels[key]!);
    case 'Exists':
      return (labels) => labels?.[key] !== undefined;
    case 'DoesNotExist':
      return (labels) => labels?.[key] === undefined;
    case 'Gt':
      return (labels) => compareIntegers(labels?.[key], single, (a, b) => a > b);
    case 'Lt':
      return (labels) => compareIntegers(labels?.[key], single, (a, b) => a < b);
    default:
      return () => false;
  }
}

function compareIntegers(
  value: string | undefined,
  bound: string | undefined,
  holds: (a: bigint, b: bigint) => boolean,
) {
  const integer = /^[+-]?\d+$/;
  if (value === undefined || bound === undefined || !integer.test(value) || !integer.test(bound)) return false;
  return holds(BigInt(value), BigInt(bound));
}

function every(matchers: readonly LabelMatcher[]): LabelMatcher {
  if (matchers.length === 1) return matchers[0]!;
  return (labels) => {
    for (const each of matchers) if (!each(labels)) return false;
    return true;
  };
}

function equals(labels: Readonly<Record<string, string>>): LabelMatcher[] {
  return Object.entries(labels).map(
    ([key, value]) =>
      (actual: Labels) =>
        actual?.[key] === value,
  );
}

/** Nothing is selected without a selector; everything by an empty one. */
export function compileLabelSelector(selector: LabelSelector | undefined): LabelMatcher {
  if (!selector) return () => false;
  return every([...equals(selector.matchLabels ?? {}), ...(selector.matchExpressions ?? []).map(compileRequirement)]);
}

/** One text for selectors that select alike, whatever the order in which they were written. */
export function selectorKey(selector: LabelSelector | undefined): string {
  if (!selector) return '-';
  const equal = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `${key} ${operator} ${[...values].sort().join(',')}`,
  );
  return [...equal, ...expressions].sort().join(';');
}

/** A term without expressions and fields selects no node. */
export function compileNodeSelectorTerm(term: NodeSelectorTerm): (node: Node) => boolean {
  const labels = (term.matchExpressions ?? []).map(compileRequirement);
  const fields = (term.matchFields ?? []).map(compileRequirement);
  if (labels.length + fields.length === 0) return () => false;
  const matchesLabels = every(labels);
  const matchesFields = every(fields);
  return (node) =>
    (labels.length === 0 || matchesLabels(node.metadata.labels)) &&
    (fields.length === 0 || matchesFields({ 'metadata.name': node.metadata.name }));
}

/** `nodeSelector` and the terms of required node affinity (any one of them). */
export function compileNodeMatcher(
  nodeSelector: Readonly<Record<string, string>> | undefined,
  terms: readonly NodeSelectorTerm[] | undefined,
): NodeMatcher | undefined {
  const selector = Object.keys(nodeSelector ?? {}).length > 0 ? every(equals(nodeSelector ?? {})) : undefined;
  if (!selector && !terms) return undefined;
  const compiled = terms?.map(compileNodeSelectorTerm);
  const names = terms?.map((term) =>
    term.matchFields?.find((field) => field.key === 'metadata.name' && field.operator === 'In'),
  );
  return {
    names:
      names && names.length > 0 && names.every((each) => each !== undefined)
        ? new Set(names.flatMap((each) => each?.values ?? []))
        : undefined,
    matches: (node) =>
      (!selector || selector(node.metadata.labels)) && (!compiled || compiled.some((matches) => matches(node))),
  };
}
