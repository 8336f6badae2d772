import { createWriteStream } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';
const maxLinks = 40;

export interface UnpackOptions {
  /** Whether owners are kept, which needs root; default as the process is root. */
  readonly owners?: boolean;
}

/**
 * Lays one layer tarball (plain or gzip) over `root`: OCI image-spec, "layer.md", with its whiteouts. Nothing outside of
 * `root` is written whatever the names and links in the layer say: symbolic links are followed as if `root` were `/`.
 * Devices and FIFOs are left out: a runtime brings its own `/dev`.
 */
export async function unpackLayer(layer: Readable, root: string, options: UnpackOptions = {}): Promise<void> {
  const owners = options.owners ?? process.getuid?.() === 0;
  const modes = new Map<string, number>();
  const written = new Set<string>();
  const entries = extract();
  const feeding = pipeline(await decompressed(layer), entries);
  const unpacking = (async () => {
    for await (const entry of entries) {
      const target = await resolveInRoot(root, entry.header.name);
      await unpackEntry(root, target, entry.header, entry, { owners, modes, written });
      entry.resume();
    }
  })();
  await Promise.all([feeding, unpacking]);
  // Directories last and from the bottom, so that one without the write bit can be filled.
  for (const [path, mode] of [...modes].sort(([a], [b]) => b.length - a.length)) await chmod(path, mode);
}

interface Unpacking {
  readonly owners: boolean;
  readonly modes: Map<string, number>;
  /** What this layer itself brought: a whiteout hides lower layers only. */
  readonly written: Set<string>;
}

async function unpackEntry(
  root: string,
  target: string,
  header: Header,
  content: AsyncIterable<unknown>,
  { owners, modes, written }: Unpacking,
): Promise<void> {
  const name = posix.basename(target);
  if (target === root) return;
  if (name === opaque) {
    for (const child of await readdir(dirname(target))) {
      const path = join(dirname(target), child);
      if (!written.has(path)) await rm(path, { recursive: true, force: true });
    }
    return;
  }
  if (name.startsWith(whiteout)) {
    const hiddenName = name.slice(whiteout.length);
    if (['', '.', '..'].includes(hiddenName)) throw new Error(`the layer holds a whiteout of "${hiddenName}"`);
    const hidden = join(dirname(target), hiddenName);
    if (!written.has(hidden)) await rm(hidden, { recursive: true, force: true });
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  const present = await lstat(target).catch(absent);
  if (present !== undefined && !(header.type === 'directory' && present.isDirectory())) {
    await rm(target, { recursive: true, force: true });
  }
  for (let path = target; path.length > root.length; path = dirname(path)) written.add(path);
  switch (header.type) {
    case 'directory':
      await mkdir(target, { recursive: true });
      modes.set(target, header.mode & 0o7777);
      break;
    case 'symlink':
      await symlink(header.linkname, target);
      break;
    case 'link':
      await link(await resolveInRoot(root, header.linkname), target);
      return;
    case 'file':
    case 'contiguous-file':
      await pipeline(Readable.from(content), createWriteStream(target, { flags: 'wx', mode: 0o600 }));
      break;
    default:
      return;
  }
  if (owners) await lchown(target, header.uid, header.gid);
  if (header.type === 'file' || header.type === 'contiguous-file') await chmod(target, header.mode & 0o7777);
}

/**
 * The path within `root` that `name` means to a process whose `/` it is; whether a link in the last component is followed
 * is the caller's choice. `..` at the top stays at the top. @throws Error for a loop of links
 */
export async function resolveInRoot(
  root: string,
  name: string,
  { followLast = false }: { readonly followLast?: boolean } = {},
): Promise<string> {
  const rest = name.split('/').filter((part) => part !== '' && part !== '.');
  let path = '';
  let links = 0;
  while (rest.length > 0) {
    const part = rest.shift() ?? '';
    if (part === '..') {
      path = path.slice(0, Math.max(0, path.lastIndexOf('/')));
      continue;
    }
    const next = `${path}/${part}`;
    const info = rest.length > 0 || followLast ? await lstat(root + next).catch(absent) : undefined;
    if (!info?.isSymbolicLink()) {
      path = next;
      continue;
    }
    if (++links > maxLinks) throw new Error(`too many links in ${name}`);
    const to = await readlink(root + next);
    if (to.startsWith('/')) path = '';
    rest.unshift(...to.split('/').filter((each) => each !== '' && each !== '.'));
  }
  return path === '' ? root : root + path;
}

async function decompressed(layer: Readable): Promise<AsyncIterable<Buffer>> {
  const chunks = layer[Symbol.asyncIterator]();
  const first = await chunks.next();
  const head: Buffer = first.done ? Buffer.alloc(0) : Buffer.from(first.value);
  async function* whole(): AsyncGenerator<Buffer> {
    yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield Buffer.from(next.value);
  }
  if (head[0] === 0x28 && head[1] === 0xb5) throw new Error('layers compressed with zstd cannot be read; use gzip');
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole();
  const gunzip = createGunzip();
  pipeline(whole(), gunzip).catch((error: Error) => gunzip.destroy(error));
  return gunzip;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
