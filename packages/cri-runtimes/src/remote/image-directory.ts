import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GrpcError, grpcCode, type ImageService } from '@keelson/core/cri';
import type { Logger } from '@keelson/core/plugin';
import { z } from 'zod';
import { replaceFile } from '../images/build-image.ts';
import { fileStamp, type PrivateContainerd } from './private-containerd.ts';

const importedSchema = z.record(z.string(), z.string());

/**
 * Loads the archives of a directory into our containerd: all that are new at the start, and again whenever an image is
 * asked for that is not there.
 */
export class ImageDirectory {
  readonly #containerd: PrivateContainerd;
  readonly #dir: string;
  readonly #logger: Logger;
  #loading: Promise<number> | undefined;

  constructor(containerd: PrivateContainerd, dir: string, logger: Logger) {
    this.#containerd = containerd;
    this.#dir = dir;
    this.#logger = logger;
  }

  /** How many archives were new. One that cannot be loaded is logged, and tried again once it changes. */
  load(signal?: AbortSignal): Promise<number> {
    this.#loading ??= this.#load(signal).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(signal?: AbortSignal): Promise<number> {
    if (!existsSync(this.#dir)) return 0;
    const record = this.#containerd.paths.images;
    const before = existsSync(record) ? importedSchema.parse(JSON.parse(await readFile(record, 'utf8'))) : {};
    const after: Record<string, string> = {};
    let count = 0;
    for (const name of (await readdir(this.#dir)).sort()) {
      if (!name.endsWith('.tar')) continue;
      const path = join(this.#dir, name);
      const stamp = fileStamp(path, await stat(path));
      after[name] = stamp;
      if (before[name] === stamp) continue;
      count++;
      try {
        await this.#containerd.importImage(path, signal);
      } catch (error) {
        signal?.throwIfAborted();
        this.#logger.warn(`image archive ${path} cannot be loaded`, { error: String(error) });
      }
    }
    if (count > 0) await replaceFile(record, JSON.stringify(after));
    return count;
  }
}

/** The images of a runtime, to which what appears in the directory is added when it is asked for. */
export function withImageDirectory(images: ImageService, directory: ImageDirectory): ImageService {
  return {
    ...images,
    async imageStatus(request, signal) {
      const answer = await images.imageStatus(request, signal);
      if (answer.image !== undefined || (await directory.load(signal)) === 0) return answer;
      return images.imageStatus(request, signal);
    },
    async pullImage(request, signal) {
      await directory.load(signal);
      const { image } = await images.imageStatus({ image: request.image }, signal);
      if (image?.id) return { imageRef: image.id };
      try {
        return await images.pullImage(request, signal);
      } catch (error) {
        if (error instanceof GrpcError && error.code !== grpcCode.cancelled) {
          throw new GrpcError(
            error.code,
            `${error.message} (nor is it among the archives in the node's images directory)`,
          );
        }
        throw error;
      }
    },
  };
}
