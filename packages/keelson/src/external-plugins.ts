import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyPlugin } from '@keelson/core/host';
import { z } from 'zod';
import type { ClusterConfig } from './config/schema.ts';
import { UserError } from './user-error.ts';

const pluginSchema = z.custom<AnyPlugin>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'name') === 'string' &&
    typeof Reflect.get(value, 'register') === 'function',
);

/**
 * Imports the plugins that `keelson.yaml` names: a path (beginning with `.` or `/`) or a package, both as seen from the
 * file's folder. A module's default export is a plugin or a list of them; without one, every export that is a plugin counts.
 * Throws `UserError` that says what to do.
 */
export async function loadExternalPlugins(
  entries: ClusterConfig['plugins'],
  baseDir: string,
): Promise<{ plugins: AnyPlugin[]; options: Record<string, unknown> }> {
  const plugins: AnyPlugin[] = [];
  const options: Record<string, unknown> = {};
  for (const [index, entry] of entries.entries()) {
    const place = `plugins.${index}: ${entry.name}`;
    const found = pluginsOf(await load(entry.name, baseDir, place));
    const first = found[0];
    if (!first)
      throw new UserError(
        `${place} exports no plugin: its default export must be what definePlugin returns (or a list of those)`,
      );
    if (found.length > 1 && Object.keys(entry.options).length > 0)
      throw new UserError(
        `${place} exports ${found.length} plugins, so its options fit none of them; give them under "controllers" or export one plugin a module`,
      );
    if (Object.keys(entry.options).length > 0) options[first.name] = entry.options;
    plugins.push(...found);
  }
  return { plugins, options };
}

async function load(name: string, baseDir: string, place: string): Promise<Readonly<Record<string, unknown>>> {
  let file: string;
  try {
    file = /^\.{0,2}\//.test(name)
      ? resolve(baseDir, name)
      : createRequire(join(baseDir, 'keelson.yaml')).resolve(name);
  } catch {
    throw new UserError(
      `${place} is not installed for ${baseDir}: run \`npm install ${name}\` there, or give a path that begins with "./"`,
    );
  }
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new UserError(`${place} cannot be loaded: ${(error as Error).message}`);
  }
}

function pluginsOf(module: Readonly<Record<string, unknown>>): AnyPlugin[] {
  const exported = 'default' in module ? module.default : Object.values(module);
  return (Array.isArray(exported) ? exported : [exported]).flatMap((each) => {
    const parsed = pluginSchema.safeParse(each);
    return parsed.success ? [parsed.data] : [];
  });
}
