import { createHash } from 'node:crypto';
import {
  GrpcError,
  grpcCode,
  type Image,
  type ImageFsInfoResponse,
  type ImageService,
  type ImageStatusRequest,
  type ImageStatusResponse,
  type ListImagesRequest,
  type ListImagesResponse,
  type PullImageRequest,
  type PullImageResponse,
  type RemoveImageRequest,
  type RemoveImageResponse,
} from '@keelson/core/cri';
import type { Clock, Random } from '@keelson/core/plugin';
import { normalizeReference, parseReference } from '../images/reference.ts';
import { behaviourOf } from './behaviour.ts';
import type { SimulatedOptions } from './options.ts';

const simulatedImageBytes = 1_000_000;

/** Every reference can be pulled, unless an image rule, a pod annotation or the failure rate says otherwise. */
export class SimulatedImages implements ImageService {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: SimulatedOptions;
  readonly #images = new Map<string, Image>();

  constructor(clock: Clock, random: Random, options: SimulatedOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  async listImages(request: ListImagesRequest): Promise<ListImagesResponse> {
    const wanted = request.filter?.image?.image;
    if (!wanted) return { images: [...this.#images.values()] };
    const image = this.find(wanted);
    return { images: image === undefined ? [] : [image] };
  }

  async imageStatus(request: ImageStatusRequest): Promise<ImageStatusResponse> {
    const image = this.find(request.image?.image ?? '');
    return image === undefined ? {} : { image };
  }

  async pullImage(request: PullImageRequest, signal?: AbortSignal): Promise<PullImageResponse> {
    const text = request.image?.image ?? '';
    const name = normalizeReference(text);
    if (name === undefined) throw new GrpcError(grpcCode.invalidArgument, `invalid image reference ${text}`);
    if (this.#options.pullDelayMs > 0) await this.#clock.sleep(this.#options.pullDelayMs, signal);
    const { pullError } = behaviourOf(this.#options, {
      image: text,
      container: '',
      command: '',
      labels: request.sandboxConfig?.labels,
      annotations: request.sandboxConfig?.annotations,
    });
    if (pullError !== undefined) throw new GrpcError(grpcCode.unknown, pullError);
    if (this.#options.failureRates.pullImage > 0 && this.#random() < this.#options.failureRates.pullImage) {
      throw new GrpcError(grpcCode.unavailable, `pull of ${name}: simulated failure`);
    }
    const image = this.#images.get(name) ?? simulatedImage(name);
    this.#images.set(name, image);
    return { imageRef: image.id };
  }

  async removeImage(request: RemoveImageRequest): Promise<RemoveImageResponse> {
    const image = this.find(request.image?.image ?? '');
    if (image !== undefined) for (const [name, { id }] of this.#images) if (id === image.id) this.#images.delete(name);
    return {};
  }

  async imageFsInfo(): Promise<ImageFsInfoResponse> {
    const usage = {
      timestamp: this.#clock.now() * 1e6,
      fsId: { mountpoint: '/' },
      usedBytes: { value: this.#images.size * simulatedImageBytes },
      inodesUsed: { value: this.#images.size },
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  }

  /** By reference in any of its forms, or by id. */
  find(text: string): Image | undefined {
    const name = normalizeReference(text);
    const byName = name === undefined ? undefined : this.#images.get(name);
    if (byName !== undefined) return byName;
    for (const image of this.#images.values()) {
      if (image.id === text || (name !== undefined && image.repoDigests?.includes(name))) return image;
    }
    return undefined;
  }
}

function simulatedImage(name: string): Image {
  const reference = parseReference(name);
  const digest = reference?.digest ?? `sha256:${createHash('sha256').update(name).digest('hex')}`;
  return {
    id: digest,
    repoTags: reference?.digest === undefined ? [name] : [],
    repoDigests: [`${reference?.domain}/${reference?.path}@${digest}`],
    size: simulatedImageBytes,
    spec: { image: digest },
    uid: undefined,
    username: '',
    pinned: false,
  };
}
