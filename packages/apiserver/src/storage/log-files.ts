import * as fs from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Copying so little into the page cache takes less time than asking another thread to do it. */
const quickWrite = 128 * 1024;

/** A file that only grows. */
export interface LogFile {
  /** Bytes written so far. */
  readonly size: number;
  append(bytes: Uint8Array): Promise<void>;
  /** Resolves when all that was appended would survive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A file as it is now. */
export interface LogFileReader {
  readonly size: number;
  /** Fewer bytes at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** The disk as the store needs it; replaced in tests by one that can lose power or run full. */
export interface LogDirectory {
  readonly path: string;
  list(): Promise<readonly string[]>;
  reader(name: string): Promise<LogFileReader>;
  /** Opens for appending at `size`, cutting off what is beyond; creates the file (mode 0600) if it is not there. */
  open(name: string, size: number): Promise<LogFile>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Makes creations, renames and removals durable. */
  sync(): Promise<void>;
}

/** A directory of the real file system. */
export function fileSystemDirectory(path: string): LogDirectory {
  return {
    path,
    list: () => readdir(path),
    reader: (name) => openReader(join(path, name)),
    open: (name, size) => openLogFile(join(path, name), size),
    rename: (from, to) => rename(join(path, from), join(path, to)),
    remove: (name) => rm(join(path, name), { force: true }),
    async sync() {
      const handle = await open(path, 'r');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
  };
}

export async function openReader(path: string): Promise<LogFileReader> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return {
      size,
      async read(position, length) {
        const wanted = Math.max(0, Math.min(length, size - position));
        const buffer = Buffer.allocUnsafeSlow(wanted);
        let filled = 0;
        while (filled < wanted) {
          const { bytesRead } = await handle.read(buffer, filled, wanted - filled, position + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return buffer.subarray(0, filled);
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function openLogFile(path: string, size: number): Promise<LogFile> {
  const handle = await open(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600);
  try {
    await handle.truncate(size);
    await handle.sync();
  } catch (error) {
    await handle.close();
    throw error;
  }
  let written = size;
  return {
    get size() {
      return written;
    },
    async append(bytes) {
      for (let from = 0; from < bytes.length; ) {
        const count =
          bytes.length <= quickWrite
            ? fs.writeSync(handle.fd, bytes, from, bytes.length - from, written)
            : await writeAt(handle.fd, bytes, from, written);
        from += count;
        written += count;
      }
    },
    sync: () => dataSync(handle.fd),
    close: () => handle.close(),
  };
}

// The callback functions cost less per call than those of a FileHandle, and this is the path of every write.

function writeAt(fd: number, bytes: Uint8Array, from: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, from, bytes.length - from, position, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}

function dataSync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => (error ? reject(error) : resolve()));
  });
}
