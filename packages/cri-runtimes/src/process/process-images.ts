import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { GrpcError, grpcCode, type Image, type ImageService } from '@keelson/core/cri';
import type { Clock, Logger } from '@keelson/core/plugin';
import { layoutDirectory, tarArchive } from '../images/archive.ts';
import type { OciConfig } from '../images/manifest.ts';
import { type OciImage, readOciImages } from '../images/oci-images.ts';
import { normalizeReference } from '../images/reference.ts';
import { unpackLayer } from '../images/unpack-layer.ts';
import { run } from '../model/command.ts';

/** What a container needs to know of its image. */
export interface LocalImage {
  readonly id: string;
  readonly ref: string;
  readonly config: OciConfig;
  readonly kind: 'oci' | 'host';
}

export const hostImageName = 'keelson.dev/host:latest';
const hostNames = new Set([hostImageName, 'docker.io/library/host:latest']);
const hostImageId = `sha256:${'0'.repeat(56)}6b65656c`;

/** Images of a directory: OCI archives (`*.tar`), `docker save`, OCI layouts; and `host`, the machine's own files. */
export class ProcessImages {
  readonly #dir: string;
  readonly #unpackedDir: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #images = new Map<string, OciImage>();
  readonly #stamps = new Map<string, { readonly stamp: string; readonly ids: readonly string[] }>();
  readonly #unpacking = new Map<string, Promise<string>>();
  #scanning: Promise<void> | undefined;

  constructor(dir: string, unpackedDir: string, clock: Clock, logger: Logger) {
    this.#dir = dir;
    this.#unpackedDir = unpackedDir;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Looks for new, changed and removed files; what cannot be read is logged and left out. */
  scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  /** By reference in any form, or by id; looks again before it says that there is none. */
  async find(text: string): Promise<LocalImage | undefined> {
    const known = this.#lookUp(text);
    if (known !== undefined) return known;
    await this.scan();
    return this.#lookUp(text);
  }

  /** The directory of an image's unpacked files; unpacks at the first call. */
  unpacked(id: string): Promise<string> {
    const under = this.#unpacking.get(id);
    if (under !== undefined) return under;
    const work = this.#unpack(id).finally(() => this.#unpacking.delete(id));
    this.#unpacking.set(id, work);
    return work;
  }

  /** Removes what was unpacked of images that are neither there any more nor under a container. */
  async prune(used: ReadonlySet<string>): Promise<void> {
    await this.scan();
    await mkdir(this.#unpackedDir, { recursive: true });
    const kept = new Set([...used, ...[...this.#images.keys()].map((id) => this.#place(id))]);
    for (const name of await readdir(this.#unpackedDir)) {
      const path = join(this.#unpackedDir, name);
      if (!kept.has(path)) await removeTree(path);
    }
  }

  service(): ImageService {
    return {
      listImages: async ({ filter }) => {
        await this.scan();
        const all = [...this.#images.values()].map(toCri).concat(hostImage);
        if (!filter?.image?.image) return { images: all };
        const wanted = await this.find(filter.image.image);
        return { images: all.filter(({ id }) => id === wanted?.id) };
      },
      imageStatus: async ({ image }) => {
        const found = await this.find(image?.image ?? '');
        if (found === undefined) return {};
        if (found.kind === 'host') return { image: hostImage };
        const oci = this.#images.get(found.id);
        return oci === undefined ? {} : { image: toCri(oci) };
      },
      pullImage: async ({ image }) => {
        const text = image?.image ?? '';
        if (normalizeReference(text) === undefined && !text.startsWith('sha256:')) {
          throw new GrpcError(grpcCode.invalidArgument, `"${text}" is not an image reference`);
        }
        const found = await this.find(text);
        if (found !== undefined) return { imageRef: found.id };
        throw new GrpcError(
          grpcCode.notFound,
          `image "${text}" is not in ${this.#dir}, and the process runtime pulls from no registry: put an OCI archive there (docker save, skopeo copy), or use the image "host" for the machine's own files`,
        );
      },
      removeImage: async ({ image }) => {
        const found = await this.find(image?.image ?? '');
        // The archive is the user's; what was made of it can be made again.
        if (found?.kind === 'oci') await removeTree(this.#place(found.id));
        return {};
      },
      imageFsInfo: async () => {
        await mkdir(this.#unpackedDir, { recursive: true });
        const { blocks, bfree, bsize, files, ffree } = await statfs(this.#unpackedDir);
        const usage = {
          timestamp: this.#clock.now() * 1e6,
          fsId: { mountpoint: this.#unpackedDir },
          usedBytes: { value: (blocks - bfree) * bsize },
          inodesUsed: { value: files - ffree },
        };
        return { imageFilesystems: [usage], containerFilesystems: [usage] };
      },
    };
  }

  #lookUp(text: string): LocalImage | undefined {
    const name = normalizeReference(text);
    if (text === hostImageId || (name !== undefined && hostNames.has(name))) return hostLocalImage;
    for (const image of this.#images.values()) {
      if (image.id !== text && !(name !== undefined && (image.names.includes(name) || digestsOf(image).includes(name))))
        continue;
      return { id: image.id, ref: digestsOf(image)[0] ?? image.id, config: image.config, kind: 'oci' };
    }
    return undefined;
  }

  async #scan(): Promise<void> {
    const names = existsSync(this.#dir) ? (await readdir(this.#dir)).sort() : [];
    const present = new Set<string>();
    for (const name of names) {
      const path = join(this.#dir, name);
      const info = await stat(path);
      const isLayout = info.isDirectory() && existsSync(join(path, 'index.json'));
      if (!isLayout && !(info.isFile() && name.endsWith('.tar'))) continue;
      const { size, mtimeMs } = isLayout ? await stat(join(path, 'index.json')) : info;
      const stamp = `${size} ${mtimeMs}`;
      present.add(path);
      if (this.#stamps.get(path)?.stamp === stamp) continue;
      this.#forget(path);
      const images = await this.#read(path, isLayout);
      this.#stamps.set(path, { stamp, ids: images.map(({ id }) => id) });
      for (const image of images) this.#images.set(image.id, image);
    }
    for (const path of this.#stamps.keys()) if (!present.has(path)) this.#forget(path);
  }

  #forget(path: string): void {
    for (const id of this.#stamps.get(path)?.ids ?? []) this.#images.delete(id);
    this.#stamps.delete(path);
  }

  async #read(path: string, isLayout: boolean): Promise<OciImage[]> {
    try {
      return await readOciImages(isLayout ? layoutDirectory(path) : await tarArchive(path));
    } catch (error) {
      this.#logger.warn(`${path} is not an image that can be used`, { error: String(error) });
      return [];
    }
  }

  async #unpack(id: string): Promise<string> {
    const place = this.#place(id);
    if (existsSync(place)) return place;
    const image = this.#images.get(id);
    if (image === undefined) throw new GrpcError(grpcCode.notFound, `image "${id}" is gone`);
    const scratch = `${place}.new`;
    await removeTree(scratch);
    await mkdir(scratch, { recursive: true });
    for (const layer of image.layers) await unpackLayer(await image.source.stream(layer), scratch);
    await rename(scratch, place);
    return place;
  }

  #place(id: string): string {
    return join(this.#unpackedDir, id.replace(/^sha256:/, ''));
  }
}

/** Also what an unprivileged user's containers have left without permissions. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await run('chmod', ['-R', 'u+rwX', path]);
    await rm(path, { recursive: true, force: true });
  }
}

const hostConfig: OciConfig = {
  Entrypoint: [],
  Cmd: [],
  Env: [],
  User: '',
  WorkingDir: '',
  StopSignal: '',
  Labels: {},
};
const hostLocalImage: LocalImage = { id: hostImageId, ref: hostImageId, config: hostConfig, kind: 'host' };
const hostImage: Image = {
  id: hostImageId,
  repoTags: [...hostNames],
  repoDigests: [],
  size: 0,
  username: '',
  spec: { image: hostImageId },
  pinned: true,
};

function digestsOf({ names, digest }: OciImage): string[] {
  if (digest === undefined) return [];
  return names.map((name) => `${name.replace(/[:@][^/]*$/, '')}@${digest}`);
}

function toCri(image: OciImage): Image {
  const [user = ''] = image.config.User.split(':');
  const numeric = /^\d+$/.test(user);
  return {
    id: image.id,
    repoTags: image.names.filter((name) => !name.includes('@')),
    repoDigests: digestsOf(image),
    size: Math.max(1, image.size),
    uid: numeric ? { value: Number(user) } : undefined,
    username: numeric ? '' : user,
    spec: { image: image.id },
    // The archive lies in the user's directory: nothing is gained by collecting it.
    pinned: true,
  };
}
