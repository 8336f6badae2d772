import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { mediaTypes } from './manifest.ts';
import { normalizeReference } from './reference.ts';

/** One file of a layer. Exactly one of `content`, `from`, `link` and `directory` says what it is. */
export interface ImageFile {
  /** Path within the image, with or without a leading slash. */
  readonly path: string;
  readonly content?: string | Uint8Array;
  /** A file of this machine whose bytes are taken. */
  readonly from?: string;
  /** A symbolic link to there. */
  readonly link?: string;
  readonly directory?: true;
  /** Default 0644, for directories 0755. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** What an image says about how it is run. */
export interface ImageConfig {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  /** `NAME=value` each. */
  readonly env?: readonly string[];
  /** `uid`, `uid:gid` or names of the image's `/etc/passwd`. */
  readonly user?: string;
  readonly workdir?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
}

/** What an image is made of, and where its archive is written. */
export interface BuildImageOptions {
  /** `nginx`, `registry.example/app:1`: kept in its full form. */
  readonly reference: string;
  /** Where the archive is written, whole or not at all. */
  readonly file: string;
  /** One layer of these files; or `layers`, lowest first. */
  readonly files?: readonly ImageFile[];
  readonly layers?: readonly (readonly ImageFile[])[];
  readonly config?: ImageConfig;
  /** OCI's word for the processor; default this machine's. */
  readonly architecture?: string;
}

/**
 * Writes an image as an OCI archive that containerd, podman and this package's process runtime load. The same input
 * gives the same bytes: no time, no owner but the given, files in the given order.
 * @throws Error for a reference that is none, and where a file cannot be read
 */
export async function buildImage(options: BuildImageOptions): Promise<{ readonly digest: string }> {
  const name = normalizeReference(options.reference);
  if (name === undefined) throw new Error(`${options.reference} is not an image reference`);
  const scratch = `${options.file}.${randomUUID()}`;
  await mkdir(scratch, { recursive: true });
  try {
    const layers = await Promise.all(
      (options.layers ?? [options.files ?? []]).map((files, index) => writeLayer(join(scratch, `${index}`), files)),
    );
    const configBytes = json(imageConfig(options, layers));
    const manifestBytes = json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: descriptor(mediaTypes.ociConfig, configBytes),
      layers: layers.map(({ digest, size }) => ({ mediaType: mediaTypes.ociLayer, digest, size })),
    });
    const manifest = descriptor(mediaTypes.ociManifest, manifestBytes);
    const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name };
    const archive = pack();
    const written = pipeline(archive, createWriteStream(join(scratch, 'archive')));
    const writing = (async () => {
      await entry(archive, 'oci-layout', json({ imageLayoutVersion: '1.0.0' }));
      await entry(archive, 'index.json', json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
      await entry(archive, blobPath(manifest.digest), manifestBytes);
      await entry(archive, blobPath(sha256(configBytes)), configBytes);
      for (const { digest, size, file } of distinct(layers)) await entryFrom(archive, blobPath(digest), file, size);
      archive.finalize();
    })();
    await Promise.all([writing, written]);
    await rename(join(scratch, 'archive'), options.file);
    return { digest: manifest.digest };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Layer {
  readonly digest: string;
  readonly size: number;
  readonly file: string;
}

function imageConfig({ config = {}, architecture }: BuildImageOptions, layers: readonly Layer[]): unknown {
  return {
    architecture: architecture ?? ociArchitecture(process.arch),
    os: 'linux',
    config: {
      Entrypoint: config.entrypoint,
      Cmd: config.cmd,
      Env: config.env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      User: config.user,
      WorkingDir: config.workdir,
      Labels: config.labels,
      StopSignal: config.stopSignal,
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
}

/** `amd64` for Node's `x64`. */
export function ociArchitecture(arch: string): string {
  return { x64: 'amd64', ia32: '386' }[arch] ?? arch;
}

async function writeLayer(file: string, files: readonly ImageFile[]): Promise<Layer> {
  const archive = pack();
  const hash = createHash('sha256');
  let size = 0;
  const written = pipeline(
    Readable.from(archive),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(file),
  );
  const writing = (async () => {
    for (const each of withParents(files)) await packFile(archive, each);
    archive.finalize();
  })();
  await Promise.all([writing, written]);
  return { digest: `sha256:${hash.digest('hex')}`, size, file };
}

/** Every directory on the way to a file comes before it, once. */
function withParents(files: readonly ImageFile[]): ImageFile[] {
  const seen = new Set<string>();
  const result: ImageFile[] = [];
  for (const file of files) {
    const path = file.path.replace(/^\/+/, '').replace(/\/+$/, '');
    const parts = path.split('/');
    for (let length = 1; length < parts.length; length++) {
      const parent = parts.slice(0, length).join('/');
      if (seen.has(parent)) continue;
      seen.add(parent);
      result.push({ path: parent, directory: true });
    }
    if (file.directory && seen.has(path)) continue;
    seen.add(path);
    result.push({ ...file, path });
  }
  return result;
}

async function packFile(archive: Pack, file: ImageFile): Promise<void> {
  const header = {
    name: file.path,
    mode: file.mode ?? (file.directory ? 0o755 : 0o644),
    uid: file.uid ?? 0,
    gid: file.gid ?? 0,
    mtime: new Date(0),
  };
  if (file.directory) return add(archive, { ...header, name: `${file.path}/`, type: 'directory' }, '');
  if (file.link !== undefined) return add(archive, { ...header, type: 'symlink', linkname: file.link }, '');
  if (file.from !== undefined) {
    const mode = file.mode ?? (await stat(file.from)).mode & 0o777;
    return add(archive, { ...header, mode, type: 'file' }, await readFile(file.from));
  }
  return add(archive, { ...header, type: 'file' }, Buffer.from(file.content ?? ''));
}

function add(archive: Pack, header: Parameters<Pack['entry']>[0], content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, content, (error) => (error ? reject(error) : resolve()));
  });
}

function entry(archive: Pack, name: string, content: Buffer): Promise<void> {
  return add(archive, { name, mtime: new Date(0), mode: 0o644, type: 'file' }, content);
}

async function entryFrom(archive: Pack, name: string, file: string, size: number): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    const sink = archive.entry({ name, size, mtime: new Date(0), mode: 0o644, type: 'file' }, (error) =>
      error ? reject(error) : resolve(),
    );
    createReadStream(file)
      .on('error', (error) => sink.destroy(error))
      .pipe(sink);
  });
  await done;
}

function distinct(layers: readonly Layer[]): readonly Layer[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Writes `bytes` so that a reader sees the old file or the new one. */
export async function replaceFile(file: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const scratch = `${file}.${randomUUID()}.tmp`;
  await writeFile(scratch, bytes);
  await rename(scratch, file);
}
