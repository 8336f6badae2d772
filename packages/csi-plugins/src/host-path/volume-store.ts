import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GrpcError, grpcCode } from '@keelson/core/cri';
import { z } from 'zod';

const recordSchema = z.object({
  id: z.string(),
  name: z.string(),
  capacityBytes: z.number(),
});

export type VolumeRecord = z.output<typeof recordSchema>;

/** Capacity of a volume that asked for none, in bytes. */
const defaultCapacity = 1 << 30;

/**
 * A directory a volume: `<dir>/<id>/volume.json` and `<dir>/<id>/data`. The id follows from the name, so that a call
 * that is repeated after a crash finds what the first one made.
 */
export class VolumeStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Throws `GrpcError` ALREADY_EXISTS when the volume is there with another size. */
  async create(name: string, required: number, limit: number): Promise<VolumeRecord> {
    if (limit > 0 && required > limit)
      throw new GrpcError(grpcCode.outOfRange, `required_bytes ${required} is above limit_bytes ${limit}`);
    const id = `vol-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
    const existing = await this.find(id);
    if (existing) {
      if (existing.capacityBytes < required || (limit > 0 && existing.capacityBytes > limit))
        throw new GrpcError(grpcCode.alreadyExists, `volume ${name} exists with ${existing.capacityBytes} bytes`);
      return existing;
    }
    const record = {
      id,
      name,
      capacityBytes: required > 0 ? required : limit > 0 ? Math.min(limit, defaultCapacity) : defaultCapacity,
    };
    // Pods of any user write here; who may reach the path at all is decided by the data directory above.
    await mkdir(this.dataPath(id), { recursive: true });
    await this.#write(record);
    return record;
  }

  async find(id: string): Promise<VolumeRecord | undefined> {
    if (!/^vol-[0-9a-f]{32}$/.test(id)) return undefined;
    try {
      return recordSchema.parse(JSON.parse(await readFile(join(this.#dir, id, 'volume.json'), 'utf8')));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Throws `GrpcError` NOT_FOUND. */
  async get(id: string): Promise<VolumeRecord> {
    const record = await this.find(id);
    if (!record) throw new GrpcError(grpcCode.notFound, `volume ${id} does not exist`);
    return record;
  }

  async delete(id: string): Promise<void> {
    if (await this.find(id)) await rm(join(this.#dir, id), { recursive: true, force: true });
  }

  async resize(id: string, required: number): Promise<VolumeRecord> {
    const record = await this.get(id);
    const resized = { ...record, capacityBytes: Math.max(record.capacityBytes, required) };
    await this.#write(resized);
    return resized;
  }

  async list(): Promise<readonly VolumeRecord[]> {
    let names: string[];
    try {
      names = await readdir(this.#dir);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const records = await Promise.all(names.sort().map((name) => this.find(name)));
    return records.filter((each) => each !== undefined);
  }

  /** Free bytes of the file system that holds the volumes. */
  async available(): Promise<number> {
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(this.#dir);
    return bavail * bsize;
  }

  dataPath(id: string): string {
    return join(this.#dir, id, 'data');
  }

  async #write(record: VolumeRecord): Promise<void> {
    const file = join(this.#dir, record.id, 'volume.json');
    await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }
}
