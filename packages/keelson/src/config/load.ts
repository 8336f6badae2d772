import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { UserError } from '../user-error.ts';
import { type ClusterConfig, clusterConfigSchema } from './schema.ts';

export interface LoadedConfig {
  readonly config: ClusterConfig;
  /** Directory against which relative paths of the file are meant. */
  readonly baseDir: string;
}

/** Largest configuration file read, in bytes. */
const maxSize = 1 << 20;

/** Reads and checks `keelson.yaml`. Throws `UserError` that lists every mistake with its place and what is allowed there. */
export function loadConfig(file: string): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the configuration ${file}: ${(error as Error).message}`);
  }
  if (text.length > maxSize) throw new UserError(`${file} is larger than 1 MiB; that is no Keelson configuration`);
  return { config: parseConfig(text, file), baseDir: dirname(resolve(file)) };
}

/**
 * Reads the text of a `keelson.yaml`.
 * @throws UserError that names every mistake with its place
 */
export function parseConfig(text: string, file = 'keelson.yaml'): ClusterConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new UserError(document.errors.map((each) => `${file}: ${each.message.split('\n')[0]}`).join('\n'));
  }
  const result = clusterConfigSchema.safeParse(document.toJS() ?? {});
  if (result.success) return result.data;
  const at = (path: readonly PropertyKey[]) => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return `${file}:${line}:${col}`;
      }
    }
    return file;
  };
  throw new UserError(
    flatten(result.error.issues)
      .map(({ path, message }) => `${at(path)}: ${path.map(String).join('.') || 'the file'}: ${message}`)
      .join('\n'),
  );
}

type Issue = z.core.$ZodIssue;

/** A union's own message says nothing: take the branch that got furthest. */
function flatten(
  issues: readonly Issue[],
  prefix: readonly PropertyKey[] = [],
): { path: readonly PropertyKey[]; message: string }[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const best = [...issue.errors].sort((a, b) => rank(a) - rank(b))[0] ?? [];
      return flatten(best, path);
    }
    return [{ path, message: explain(issue) }];
  });
}

/** Prefers the branch whose mistake lies deepest; a mere wrong type is the least telling. */
function rank(issues: readonly Issue[]): number {
  const depth = Math.max(0, ...issues.map((each) => each.path.length));
  return -depth * 10 + issues.filter((each) => each.code === 'invalid_type').length;
}

function explain(issue: Issue): string {
  if (issue.code === 'unrecognized_keys') {
    const wanted = 'keys' in issue ? issue.keys.map((each) => `"${each}"`).join(', ') : '';
    return `unknown key ${wanted}`;
  }
  if (issue.code === 'invalid_value')
    return `not one of the allowed values ${issue.values.map((each) => JSON.stringify(each)).join(', ')}`;
  return issue.message;
}
