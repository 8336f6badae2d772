import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CustomResourceDefinition } from '../api/index.ts';
import { type BreakingChange, breakingChanges, type DefinedResource } from '../crd/index.ts';
import { deepEqual, isJsonObject } from '../machinery/index.ts';

/** What `expectCompatible` lets pass. */
export interface CompatibleOptions {
  /**
   * When the file is written again: never (`none`, the default where the environment variable CI is set), when nothing is
   * broken (`compatible`, the default elsewhere), or always (`all`: to accept what breaks).
   */
  readonly update?: 'none' | 'compatible' | 'all';
  /** Whether a change breaks nothing that matters here; default: each does. */
  readonly accept?: (change: BreakingChange) => boolean;
}

/**
 * Holds a resource against the file in which its definition was written down, so that nobody breaks stored objects or
 * clients without knowing. Writes the file the first time; commit it.
 *
 * @example
 * it('stays compatible', () => expectCompatible(Website, new URL('website.crd.json', import.meta.url)));
 * @throws Error that lists what breaks, or says that the file is not up to date
 */
export async function expectCompatible(
  resource: Pick<DefinedResource, 'crd' | 'conversion'>,
  file: string | URL,
  options: CompatibleOptions = {},
): Promise<void> {
  const { update = process.env['CI'] ? 'none' : 'compatible', accept = () => false } = options;
  const crd = asInstalled(resource);
  const { name } = crd.metadata;
  const text = `${JSON.stringify(crd, undefined, 2)}\n`;
  const known = await read(file);
  // A formatter may have been at it.
  if (known !== undefined && deepEqual(JSON.parse(known), JSON.parse(text))) return;
  const broken = known === undefined ? [] : breakingChanges(parse(known, name), crd).filter((each) => !accept(each));
  if (broken.length > 0 && update !== 'all') {
    const lines = broken.map(({ path, change, breaks, why }) => `  ${path} (${change}, breaks ${breaks}): ${why}`);
    throw new Error(
      `${name} is not compatible with ${String(file)}:\n${lines.join('\n')}\n` +
        "Keep what it was, make a new version, or accept it by { update: 'all' }.",
    );
  }
  if (update === 'none') {
    throw new Error(
      `${String(file)} ${known === undefined ? 'is missing' : 'is older than'} ${name}: run the tests where CI is not set, and commit it`,
    );
  }
  if (typeof file === 'string') await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** How its webhook is reached is known only where it runs. */
function asInstalled({ crd, conversion }: Pick<DefinedResource, 'crd' | 'conversion'>): CustomResourceDefinition {
  return conversion ? { ...crd, spec: { ...crd.spec, conversion: { strategy: 'Webhook' } } } : crd;
}

async function read(file: string | URL): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, name: string): CustomResourceDefinition {
  const definition: unknown = JSON.parse(text);
  if (isDefinition(definition) && definition.metadata.name === name) return definition;
  throw new Error(`the file holds no definition of ${name}`);
}

/** Enough to compare it: what else a file may lack counts as left out. */
function isDefinition(value: unknown): value is CustomResourceDefinition {
  if (!isJsonObject(value) || value['kind'] !== 'CustomResourceDefinition') return false;
  const { metadata, spec } = value;
  return isJsonObject(metadata) && isJsonObject(spec) && isJsonObject(spec['names']) && Array.isArray(spec['versions']);
}
