import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a new project is called, and where it is made. */
export interface ProjectOptions {
  /** Where it is made: a folder that does not exist, or is empty. */
  readonly directory: string;
  /** Of the operator; default: the folder's name. Lower case, digits and dashes. */
  readonly name?: string;
  /** Of the kind, in CamelCase. Default: made of the name. */
  readonly kind?: string;
  /** The kind's API group, a domain of your own. Default `example.com`. */
  readonly group?: string;
}

/** What its user is told: the message says what to do. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError';
}

const template = fileURLToPath(new URL('../template', import.meta.url));
/** npm leaves files of these names out of packages, or reads them. */
const renamed: Readonly<Record<string, string>> = { _gitignore: '.gitignore', '_package.json': 'package.json' };

/**
 * Makes a project of the template: an operator, its test, and what builds and runs it. All of it or nothing.
 * @returns the files, relative to the project
 * @throws ProjectError when a name cannot be one, or the folder holds something
 */
export async function createProject(options: ProjectOptions): Promise<readonly string[]> {
  const directory = resolve(options.directory);
  const { name = basename(directory), group = 'example.com' } = options;
  if (!/^[a-z]([-a-z0-9]{0,50}[a-z0-9])?$/.test(name)) {
    throw new ProjectError(
      `"${name}" cannot be an operator's name: lower case letters, digits and dashes, at most 52; give another with --name`,
    );
  }
  const { kind = camelCase(name) } = options;
  if (!/^[A-Z][A-Za-z0-9]{0,62}$/.test(kind))
    throw new ProjectError(`"${kind}" cannot be a kind: CamelCase, such as Website`);
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/.test(group)) {
    throw new ProjectError(`"${group}" cannot be an API group: a domain of your own, such as example.com`);
  }
  await requireEmpty(directory);
  const making = `${directory}.making`;
  await rm(making, { recursive: true, force: true });
  try {
    await cp(template, making, { recursive: true });
    const values = { name, kind, group, plural: `${kind.toLowerCase()}s`, version: await versionOfKin() };
    for (const file of await filesBelow(making)) await fillIn(file, values);
    await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, '..'), { recursive: true });
    await rename(making, directory);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return (await filesBelow(directory)).map((each) => relative(directory, each)).toSorted();
}

async function requireEmpty(directory: string): Promise<void> {
  let entries: readonly string[];
  try {
    entries = await readdir(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw new ProjectError(`${directory} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (entries.length > 0) throw new ProjectError(`${directory} is not empty: give a folder that does not exist yet`);
}

async function fillIn(file: string, values: Readonly<Record<string, string>>): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(
    file,
    text.replaceAll(/__(\w+?)__/g, (all, key: string) => values[key] ?? all),
  );
  const other = renamed[basename(file)];
  if (other !== undefined) await rename(file, join(file, '..', other));
}

async function filesBelow(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true, recursive: true });
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

/** Packages of one release belong together. */
async function versionOfKin(): Promise<string> {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return /"version": "([^"]+)"/.exec(text)?.[1] ?? 'latest';
}

function camelCase(name: string): string {
  return name
    .replace(/-operator$/, '')
    .split('-')
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('');
}
