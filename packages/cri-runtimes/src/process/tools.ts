import { chmod, copyFile, mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ociArchitecture } from '../images/build-image.ts';
import { sharedLibraries } from '../images/host-files.ts';
import { pauseProgram } from '../images/pause-program.ts';
import { findProgram } from '../model/command.ts';

const programs = ['mount', 'umount', 'mkdir', 'rm', 'ln', 'chmod', 'env', 'setpriv', 'unshare', 'sh'];

/**
 * Copies the few programs that finish a container's set-up from inside of it, with their loader and libraries, so that
 * they run whatever the image holds. Done once for a data directory.
 * @returns the directory, to be mounted at `/.keelson/tools`
 */
export async function installTools(dir: string): Promise<string> {
  const done = join(dir, 'complete');
  if (await stat(done).then(() => true, absent)) return dir;
  const scratch = `${dir}.new`;
  await rm(scratch, { recursive: true, force: true });
  await Promise.all(['bin', 'lib'].map((name) => mkdir(join(scratch, name), { recursive: true })));
  const libraries = new Set<string>();
  for (const name of programs) {
    const path = await findProgram(name);
    if (path === undefined) throw new Error(`${name} is not installed`);
    await copyExecutable(path, join(scratch, 'bin', name));
    for (const library of await sharedLibraries(path)) libraries.add(library);
  }
  for (const library of libraries) {
    const name = basename(library);
    const to = /^ld-|^ld\.so|^ld-musl/.test(name) ? join(scratch, 'ld.so') : join(scratch, 'lib', name);
    await copyExecutable(library, to);
  }
  const architecture = ociArchitecture(process.arch);
  if (architecture === 'amd64' || architecture === 'arm64') {
    await writeFile(join(scratch, 'pause'), pauseProgram(architecture));
    await chmod(join(scratch, 'pause'), 0o755);
  }
  await writeFile(join(scratch, 'complete'), '');
  await rm(dir, { recursive: true, force: true });
  await rename(scratch, dir);
  return dir;
}

async function copyExecutable(from: string, to: string): Promise<void> {
  await copyFile(await realpath(from), to);
  await chmod(to, 0o755);
}

function absent(error: NodeJS.ErrnoException): false {
  if (error.code === 'ENOENT') return false;
  throw error;
}
