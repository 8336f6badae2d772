import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { z } from 'zod';
import type { BlobSource } from './archive.ts';
import { ociArchitecture } from './build-image.ts';
import {
  configSchema,
  type Descriptor,
  dockerArchiveSchema,
  indexSchema,
  manifestSchema,
  mediaTypes,
  type OciConfig,
} from './manifest.ts';
import { normalizeReference } from './reference.ts';

/** One image of a layout or archive. */
export interface OciImage {
  /** The digest of its configuration, as `docker images` and CRI name it. */
  readonly id: string;
  /** The digest of its manifest; undefined for `docker save`. */
  readonly digest: string | undefined;
  /** Full forms with tag or digest. */
  readonly names: readonly string[];
  readonly config: OciConfig;
  /** Names of the layer tarballs within `source`, lowest first. */
  readonly layers: readonly string[];
  readonly source: BlobSource;
  /** Bytes of all layers, where known. */
  readonly size: number;
}

/**
 * The images of an OCI layout (directory or tarball) or of `docker save`. An index that holds an image for several
 * platforms gives the one for this machine.
 * @throws Error where the source is neither, or is damaged
 */
export async function readOciImages(
  source: BlobSource,
  architecture = ociArchitecture(process.arch),
): Promise<OciImage[]> {
  if (await source.has('index.json')) {
    const { manifests } = parse(indexSchema, source, 'index.json', await source.read('index.json'));
    const images = await Promise.all(manifests.map((each) => imageOf(source, each, architecture)));
    return images.filter((image) => image !== undefined);
  }
  if (await source.has('manifest.json')) return dockerImages(source);
  throw new Error(`${source.path} is neither an OCI layout nor the output of docker save`);
}

async function imageOf(source: BlobSource, entry: Descriptor, architecture: string): Promise<OciImage | undefined> {
  const names = namesOf(source, entry);
  const manifest = await platformManifest(source, entry, architecture);
  if (manifest === undefined) return undefined;
  const { config, layers } = parse(manifestSchema, source, manifest.digest, await blob(source, manifest.digest));
  const configBytes = await blob(source, config.digest);
  return {
    id: config.digest,
    digest: manifest.digest,
    names,
    config: parse(configSchema, source, config.digest, configBytes).config,
    layers: layers.map(({ digest }) => blobName(digest)),
    source,
    size: layers.reduce((sum, { size }) => sum + size, 0),
  };
}

async function platformManifest(
  source: BlobSource,
  entry: Descriptor,
  architecture: string,
): Promise<Descriptor | undefined> {
  if (entry.mediaType !== mediaTypes.ociIndex && entry.mediaType !== mediaTypes.dockerList) return entry;
  const { manifests } = parse(indexSchema, source, entry.digest, await blob(source, entry.digest));
  return manifests.find(({ platform }) => platform?.architecture === architecture && platform.os === 'linux');
}

function namesOf(source: BlobSource, { annotations = {} }: Descriptor): string[] {
  const full = annotations['io.containerd.image.name'] ?? annotations['com.docker.image.name'];
  const short = annotations['org.opencontainers.image.ref.name'];
  const file = basename(source.path)
    .replace(/\.tar$/, '')
    .toLowerCase();
  const text = full ?? (short === undefined || /^[\w.-]+$/.test(short) ? `${file}:${short ?? 'latest'}` : short);
  const name = normalizeReference(text);
  return name === undefined ? [] : [name];
}

async function dockerImages(source: BlobSource): Promise<OciImage[]> {
  const entries = parse(dockerArchiveSchema, source, 'manifest.json', await source.read('manifest.json'));
  return Promise.all(
    entries.map(async ({ Config, RepoTags, Layers }) => {
      const bytes = await source.read(Config);
      return {
        id: sha256(bytes),
        digest: undefined,
        names: (RepoTags ?? []).map(normalizeReference).filter((name) => name !== undefined),
        config: parse(configSchema, source, Config, bytes).config,
        layers: Layers,
        source,
        size: 0,
      };
    }),
  );
}

async function blob(source: BlobSource, digest: string): Promise<Buffer> {
  const bytes = await source.read(blobName(digest));
  if (digest.startsWith('sha256:') && sha256(bytes) !== digest)
    throw new Error(`${digest} of ${source.path} is damaged`);
  return bytes;
}

function parse<T extends z.ZodType>(schema: T, source: BlobSource, name: string, bytes: Buffer): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Error(`${name} of ${source.path} is not JSON`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`${name} of ${source.path} is not what OCI describes: ${result.error.message}`);
  return result.data;
}

function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
