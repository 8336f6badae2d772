import { existsSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Operator } from '@keelson/core';
import { z } from 'zod';
import { UserError } from '../user-error.ts';

const operatorSchema = z.custom<Operator>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'register') === 'function' &&
    Array.isArray(Reflect.get(value, 'crds')),
);

/**
 * Imports the operators that a file exports, TypeScript or not: its default export, one or several, else every export
 * that is one. Throws `UserError` that says what to do.
 * @param fresh reads the file and what it imports anew, also where that was done before
 */
export async function loadOperators(file: string, { fresh = false } = {}): Promise<readonly Operator[]> {
  const module = await loadModule(file, 'your operator', { fresh });
  const exported = 'default' in module ? module.default : Object.values(module);
  const operators = (Array.isArray(exported) ? exported : [exported]).flatMap((each) => {
    const parsed = operatorSchema.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
  if (operators.length === 0) {
    throw new UserError(
      `${file} exports no operator: its default export must be what defineOperator returns, or a list of those`,
    );
  }
  return operators;
}

/**
 * Imports a file, TypeScript or not. Throws `UserError` that says what to do.
 * @param what is to be exported, for people
 */
export async function loadModule(
  file: string,
  what: string,
  { fresh = false } = {},
): Promise<Readonly<Record<string, unknown>>> {
  const path = resolve(file);
  if (!existsSync(path)) throw new UserError(`${file} does not exist: give the file that exports ${what}`);
  const typescript = ['.ts', '.mts', '.cts'].includes(extname(path));
  try {
    if (typescript || fresh) {
      // Node 20 cannot read TypeScript, and no version forgets what it has imported.
      const { createJiti } = await import('jiti');
      const jiti = createJiti(import.meta.url, { moduleCache: !fresh, interopDefault: false });
      return await jiti.import<Readonly<Record<string, unknown>>>(path);
    }
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
}
