import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type BuildImageOptions, buildImage, type ImageFile } from './build-image.ts';

const execute = promisify(execFile);

/**
 * Programs of this machine with the shared libraries and the loader that they need, at the paths where they are looked
 * for. A program that is linked statically comes alone.
 */
export async function hostPrograms(programs: readonly string[]): Promise<ImageFile[]> {
  const files = new Map<string, ImageFile>();
  for (const program of programs) {
    files.set(program, { path: program, from: await realpath(program), mode: 0o755 });
    for (const library of await sharedLibraries(program)) {
      files.set(library, { path: library, from: await realpath(library), mode: 0o755 });
    }
  }
  return [...files.values()];
}

/** What `ldd` lists, loader included; none for a static program. */
export async function sharedLibraries(program: string): Promise<string[]> {
  // ldd answers 1 for a static program, with the reason on either stream.
  const listed = await execute('ldd', [program], { encoding: 'utf8' }).catch((error: unknown) => {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: unknown };
    if (code === 'ENOENT') throw new Error('ldd is not installed: the libraries of a program cannot be found');
    if (/not a dynamic executable|statically linked|Not a valid dynamic program/.test(stdout + stderr))
      return { stdout: '' };
    throw error;
  });
  const missing = /^\s*(\S+) => not found/m.exec(listed.stdout)?.[1];
  if (missing !== undefined) throw new Error(`${program} needs ${missing}, which is not on this machine`);
  return [...new Set([...listed.stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? ''))].filter(Boolean);
}

/** Accounts and directories that programs expect of a root file system. */
export const baseFiles: readonly ImageFile[] = [
  ...['proc', 'sys', 'dev', 'etc', 'run', 'var', 'root', 'bin', 'usr/bin'].map(
    (path) => ({ path, directory: true }) as const,
  ),
  { path: 'tmp', directory: true, mode: 0o1777 },
  {
    path: 'etc/passwd',
    content:
      'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000:node:/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  },
  { path: 'etc/group', content: 'root:x:0:\nnode:x:1000:\nnobody:x:65534:\n' },
];

/** Marks an image that holds nothing but programs of this machine, which can stand in for it where nothing can be mounted. */
export const ofHostLabel = 'keelson.dev/of-host';

/** An image of the Node that runs this, from this machine's own files: `node` with its libraries, and whatever is added. */
export async function buildNodeImage(
  options: Omit<BuildImageOptions, 'files' | 'layers'> & { readonly files?: readonly ImageFile[] },
): Promise<{ readonly digest: string }> {
  const node = await hostPrograms([process.execPath]);
  const link: ImageFile[] =
    process.execPath === '/usr/bin/node' ? [] : [{ path: 'usr/bin/node', link: process.execPath }];
  return buildImage({
    ...options,
    layers: [[...baseFiles, ...node, ...link], ...(options.files === undefined ? [] : [options.files])],
    config: {
      entrypoint: ['/usr/bin/node'],
      ...options.config,
      labels: { ...(options.files === undefined ? { [ofHostLabel]: 'true' } : {}), ...options.config?.labels },
    },
  });
}

/** An image of a static busybox of this machine, with a link for each of its programs. */
export async function buildBusyboxImage(
  options: Omit<BuildImageOptions, 'files' | 'layers'> & {
    readonly busybox?: string;
    readonly files?: readonly ImageFile[];
  },
): Promise<{ readonly digest: string }> {
  const busybox = options.busybox ?? '/bin/busybox';
  const { stdout } = await execute(busybox, ['--list'], { encoding: 'utf8' });
  const links = stdout
    .split('\n')
    .filter((applet) => applet !== '' && applet !== 'busybox')
    .map((applet) => ({ path: `bin/${applet}`, link: 'busybox' }));
  return buildImage({
    ...options,
    layers: [
      [...baseFiles, { path: 'bin/busybox', from: busybox, mode: 0o755 }, ...links],
      ...(options.files === undefined ? [] : [options.files]),
    ],
    config: { cmd: ['sh'], ...options.config },
  });
}
