import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

const options = z.record(z.string(), z.unknown());

const configFile = z.object({
  controllers: z.record(z.string(), z.union([z.boolean(), options])).default({}),
});

/** What a file says of plugins, as `keelson.yaml` does: under `controllers`, by name, `true`, `false` or options. */
export interface StandaloneConfig {
  /** Those that are not `false`. */
  readonly names: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
}

/** @throws Error that names the file and the place in it */
export async function readStandaloneConfig(file: string): Promise<StandaloneConfig> {
  const text = await readFile(file, 'utf8');
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 100 });
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = configFile.safeParse(content ?? {});
  if (!parsed.success) {
    throw new Error(
      parsed.error.issues.map(({ path, message }) => `${file}: ${path.join('.')}: ${message}`).join('\n'),
    );
  }
  const entries = Object.entries(parsed.data.controllers);
  return {
    names: entries.filter(([, value]) => value !== false).map(([name]) => name),
    options: Object.fromEntries(entries.filter(([, value]) => typeof value === 'object')),
  };
}
