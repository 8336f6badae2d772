// `node conformance/npm-clients.mjs [NAME…]`: installs clients of others that Keelson is compared with, and that are no
// dependency of it, from npm into the cache. Names: kubernetes-fluent-client; without one, all. What is there stays.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cacheDir } from './binaries.mjs';

/** The newest that run on the oldest Node that Keelson supports. */
const versions = {
  // Pepr's watch layer.
  'kubernetes-fluent-client': '3.11.5',
};

const folderOf = (name) => join(cacheDir, 'npm', `${name}-${versions[name]}`);

/** The version that is compared with. */
export const npmClientVersion = (name) => versions[name];

/** Where the package is imported from, as a URL. Throws with what to do about it where it is missing. */
export function npmClient(name) {
  const folder = folderOf(name);
  if (!existsSync(join(folder, 'complete')))
    throw new Error(`${name} is not in ${folder}: run \`node conformance/npm-clients.mjs\``);
  return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(name)).href;
}

/** Installs it, unless it is there. Throws where npm fails. */
export function installNpmClient(name) {
  const version = versions[name];
  if (version === undefined) throw new Error(`no client ${name}: one of ${Object.keys(versions).join(', ')}`);
  const folder = folderOf(name);
  if (existsSync(join(folder, 'complete'))) return folder;
  mkdirSync(folder, { recursive: true });
  const manifest = { name: 'compared', private: true, dependencies: { [name]: version } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`${name} ${version} could not be installed; what npm says is above`);
  const installed = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
  if (installed !== version) throw new Error(`npm installed ${name} ${installed} instead of ${version}`);
  writeFileSync(join(folder, 'complete'), '');
  return folder;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(versions)) {
    console.log(`${name}: ${installNpmClient(name)}`);
  }
}
