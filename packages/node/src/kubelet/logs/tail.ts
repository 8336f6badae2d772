import { type FileHandle, open } from 'node:fs/promises';

const block = 65_536;

/** The offset in a file at which its last `lines` lines begin; 0 if it has no more. */
export async function tailOffset(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  const buffer = Buffer.alloc(block);
  let end = size;
  let found = 0;
  while (end > 0) {
    const from = Math.max(0, end - block);
    const { bytesRead } = await file.read(buffer, 0, end - from, from);
    for (let at = bytesRead - 1; at >= 0; at -= 1) {
      // The newline at the very end closes the last line; it does not begin another.
      if (buffer[at] !== 0x0a || from + at === size - 1) continue;
      found += 1;
      if (found === lines) return from + at + 1;
    }
    end = from;
  }
  return 0;
}

/** The last lines of a file, at most `bytes` of them, without reading the rest. */
export async function readTail(path: string, lines: number, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const from = Math.max(await tailOffset(file, lines), size - bytes);
    const buffer = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
