import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyPlugin } from '@keelson/core/host';
import { z } from 'zod';

const plugin = z.custom<AnyPlugin>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'register') === 'function',
);
const pluginModule = z.object({ default: z.union([plugin.transform((each) => [each]), z.array(plugin).min(1)]) });

/**
 * Imports what a module exports by default: a plugin, or several.
 * @param name a path (beginning with `.` or `/`) or a package, as seen from the working directory
 */
export async function loadPlugins(name: string): Promise<readonly AnyPlugin[]> {
  const here = join(process.cwd(), 'index.js');
  const file = /^\.{0,2}\//.test(name) ? resolve(name) : createRequire(here).resolve(name);
  const module: unknown = await import(pathToFileURL(file).href);
  const parsed = pluginModule.safeParse(module);
  if (!parsed.success) throw new Error(`${name} must export by default what definePlugin returns, or a list of those`);
  return parsed.data.default;
}
