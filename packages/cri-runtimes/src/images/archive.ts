import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Named files, wherever they lie: an OCI layout directory, or a tarball of one. */
export interface BlobSource {
  readonly path: string;
  has(name: string): Promise<boolean>;
  /** Small files only. @throws Error where there is none of that name, or it is larger than 8 MiB */
  read(name: string): Promise<Buffer>;
  /** @throws Error where there is none of that name */
  stream(name: string): Promise<Readable>;
}

const smallFileLimit = 8 << 20;
const block = 512;

export function layoutDirectory(path: string): BlobSource {
  const inside = (name: string) => {
    if (name.split('/').includes('..')) throw new Error(`${name} leaves ${path}`);
    return join(path, name);
  };
  return {
    path,
    has: async (name) => (await stat(inside(name)).catch(absent))?.isFile() ?? false,
    read: async (name) => {
      if ((await stat(inside(name))).size > smallFileLimit) throw new Error(`${name} of ${path} is too large`);
      return readFile(inside(name));
    },
    stream: async (name) => createReadStream(inside(name)),
  };
}

/** Reads a tarball's table of contents without its contents. @throws Error for what is not an uncompressed tarball */
export async function tarArchive(path: string): Promise<BlobSource> {
  const file = await open(path);
  try {
    const places = await tableOfContents(file, path);
    const place = (name: string) => {
      const found = places.get(name);
      if (found === undefined) throw new Error(`${path} holds no ${name}`);
      return found;
    };
    return {
      path,
      has: async (name) => places.has(name),
      read: async (name) => {
        const { start, size } = place(name);
        if (size > smallFileLimit) throw new Error(`${name} of ${path} is too large`);
        const handle = await open(path);
        try {
          return await readAt(handle, start, size);
        } finally {
          await handle.close();
        }
      },
      stream: async (name) => {
        const { start, size } = place(name);
        return createReadStream(path, size === 0 ? { start, end: start - 1 } : { start, end: start + size - 1 });
      },
    };
  } finally {
    await file.close();
  }
}

interface Place {
  readonly start: number;
  readonly size: number;
}

/** Headers of POSIX.1-1988 (ustar), with pax and GNU long names. */
async function tableOfContents(file: FileHandle, path: string): Promise<Map<string, Place>> {
  const places = new Map<string, Place>();
  const links = new Map<string, string>();
  const { size: end } = await file.stat();
  let longName: string | undefined;
  for (let at = 0; at + block <= end; ) {
    const header = await readAt(file, at, block);
    if (header.every((byte) => byte === 0)) break;
    if (header.toString('latin1', 257, 262) !== 'ustar') throw new Error(`${path} is not an uncompressed tarball`);
    const size = octal(header, 124, 12);
    const type = String.fromCharCode(header[156] ?? 0);
    const start = at + block;
    at = start + Math.ceil(size / block) * block;
    if (type === 'L' || type === 'x') {
      if (size > smallFileLimit) throw new Error(`${path} has an overlong header`);
      const content = (await readAt(file, start, size)).toString('utf8');
      longName = type === 'L' ? untilNul(content) : (/^\d+ path=(.*)$/m.exec(content)?.[1] ?? longName);
      continue;
    }
    const prefix = field(header, 345, 155);
    const name = (longName ?? (prefix ? `${prefix}/` : '') + field(header, 0, 100)).replace(/^\.\//, '');
    longName = undefined;
    if (type === '0' || type === '\0') places.set(name, { start, size });
    // docker save links a layer that two images share.
    else if (type === '1' || type === '2')
      links.set(name, join(name, type === '2' ? '..' : '/', field(header, 157, 100)));
  }
  for (const [name, to] of links) {
    const target = places.get(to.replace(/^\/+/, ''));
    if (target !== undefined) places.set(name, target);
  }
  return places;
}

async function readAt(file: FileHandle, start: number, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  let done = 0;
  while (done < size) {
    const { bytesRead } = await file.read(bytes, done, size - done, start + done);
    if (bytesRead === 0) throw new Error('the tarball ends within a file');
    done += bytesRead;
  }
  return bytes;
}

function octal(header: Buffer, at: number, width: number): number {
  // GNU's base-256 form for sizes over 8 GiB.
  if (((header[at] ?? 0) & 0x80) !== 0) return Number(header.readBigUInt64BE(at + 4));
  return Number.parseInt(field(header, at, width).trim() || '0', 8);
}

function field(header: Buffer, at: number, width: number): string {
  return untilNul(header.toString('utf8', at, at + width));
}

function untilNul(text: string): string {
  return text.split('\0', 1)[0] ?? '';
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
