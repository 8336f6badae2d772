import { parse } from 'yaml';
import type { z } from 'zod';

const group = 'apiserver.config.k8s.io';
const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${group}/${version}`);

/**
 * The content of one of Kubernetes' configuration files, in YAML or JSON. Throws with what is wrong in Kubernetes' words.
 * @param schema of the whole, with `apiVersion` and `kind`
 */
export function parseConfiguration<T extends z.ZodType>(text: string, kind: string, schema: T): z.output<T> {
  if (text.trim() === '') throw new Error('empty config data');
  const value: unknown = parse(text);
  const { apiVersion, kind: found } = typeof value === 'object' && value !== null ? { ...unnamed, ...value } : unnamed;
  if (typeof apiVersion !== 'string' || typeof found !== 'string') throw new Error(`this is no ${kind}`);
  if (!versions.includes(apiVersion)) {
    throw new Error(`no kind ${JSON.stringify(found)} is registered for version ${JSON.stringify(apiVersion)}`);
  }
  if (found !== kind) throw new Error(`expected ${kind}, got ${found}`);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(configurationProblem(parsed.error.issues));
}

const unnamed: { readonly apiVersion?: unknown; readonly kind?: unknown } = {};

/** What a schema found, a field each, as Kubernetes tells it. */
export function configurationProblem(issues: readonly z.core.$ZodIssue[]): string {
  const unknown = issues.flatMap((each) =>
    each.code === 'unrecognized_keys' ? each.keys.map((key) => fieldPath([...each.path, key])) : [],
  );
  if (unknown.length > 0) {
    return `strict decoding error: ${unknown.map((each) => `unknown field ${JSON.stringify(each)}`).join(', ')}`;
  }
  const problems = [...new Set(issues.map(({ path, message }) => [...at(path), message].join(': ')))];
  return problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`;
}

const at = (path: readonly PropertyKey[]) => (path.length === 0 ? [] : [fieldPath(path)]);

const fieldPath = (path: readonly PropertyKey[]) =>
  path
    .map((each, depth) => (typeof each === 'number' ? `[${each}]` : `${depth === 0 ? '' : '.'}${String(each)}`))
    .join('');
