import type { Container, Pod, Secret } from '@keelson/core/api';
import { GrpcError, grpcCode, type ImageService, type PodSandboxConfig } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/machinery';
import { BackOff } from '../pods/back-off.ts';
import { formatDuration } from '../time.ts';
import { withDefaultTag } from './image-name.ts';
import { credentialsFor } from './registry-credentials.ts';

/** Why a container waits, in the words of its status. */
export class ContainerWaitError extends Error {
  override readonly name = 'ContainerWaitError';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ReadyImage {
  /** What the runtime calls the image. */
  readonly ref: string;
  readonly uid?: number;
  readonly username?: string;
}

export type ContainerEvent = (kind: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface EnsureImage {
  readonly pod: Pod;
  readonly container: Container;
  readonly pullSecrets: readonly Secret[];
  readonly sandboxConfig: PodSandboxConfig;
  readonly event: ContainerEvent;
}

/** Sees to it that a container's image is there, by its pull policy; one pull an image at a time, others wait for it. */
export class ImageManager {
  readonly #service: ImageService;
  readonly #clock: Clock;
  readonly #backOff: BackOff;
  readonly #failures = new Map<string, { readonly at: number; readonly message: string }>();

  constructor(service: ImageService, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    this.#backOff = new BackOff(clock);
  }

  /** Rejects with `ContainerWaitError`: ErrImagePull, ImagePullBackOff, ErrImageNeverPull, ImageInspectError, InvalidImageName. */
  async ensure(request: EnsureImage, signal: AbortSignal): Promise<ReadyImage> {
    const { container, event } = request;
    const wanted = container.image ?? '';
    const image = withDefaultTag(wanted);
    if (image === undefined) {
      const message = `Failed to apply default image tag "${wanted}": couldn't parse image name "${wanted}": invalid reference format`;
      event('Warning', 'InspectFailed', message);
      throw new ContainerWaitError('InvalidImageName', message);
    }
    const present = await this.#inspect(image, event, wanted, signal);
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    if (present !== undefined && policy !== 'Always') {
      event(
        'Normal',
        'Pulled',
        `Container image "${wanted}" already present on machine and can be accessed by the pod`,
      );
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${wanted}" is not present with pull policy of Never`;
      event('Warning', 'ErrImageNeverPull', message);
      throw new ContainerWaitError('ErrImageNeverPull', message);
    }
    return this.#pull(image, request, signal);
  }

  forget(pod: Pod): void {
    const prefix = `${pod.metadata.uid}_`;
    this.#backOff.forget(prefix);
    for (const key of this.#failures.keys()) if (key.startsWith(prefix)) this.#failures.delete(key);
  }

  async #inspect(
    image: string,
    event: ContainerEvent,
    wanted: string,
    signal: AbortSignal,
  ): Promise<ReadyImage | undefined> {
    try {
      const { image: found } = await this.#service.imageStatus({ image: { image } }, signal);
      if (found?.id === undefined || found.id === '') return undefined;
      return {
        ref: found.id,
        ...(found.uid?.value !== undefined && { uid: found.uid.value }),
        ...(found.username && { username: found.username }),
      };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GrpcError && error.code === grpcCode.notFound) return undefined;
      const message = `Failed to inspect image "${wanted}": ${messageOf(error)}`;
      event('Warning', 'InspectFailed', message);
      throw new ContainerWaitError('ImageInspectError', message);
    }
  }

  async #pull(image: string, request: EnsureImage, signal: AbortSignal): Promise<ReadyImage> {
    const { pod, container, event } = request;
    const wanted = container.image ?? '';
    const key = `${pod.metadata.uid}_${image}`;
    const failure = this.#failures.get(key);
    if (failure && this.#backOff.remaining(key, failure.at) > 0) {
      event('Normal', 'BackOff', `Back-off pulling image "${wanted}"`);
      throw new ContainerWaitError(
        'ImagePullBackOff',
        `Back-off pulling image "${wanted}": ErrImagePull: ${failure.message}`,
      );
    }
    event('Normal', 'Pulling', `Pulling image "${wanted}"`);
    const started = this.#clock.now();
    try {
      await this.#pullWithAny(image, request, signal);
      const ready = await this.#inspect(image, event, wanted, signal);
      if (ready === undefined) throw new Error(`image "${image}" is not there after it was pulled`);
      const took = formatDuration(this.#clock.now() - started);
      const size = await this.#size(image, signal);
      event(
        'Normal',
        'Pulled',
        `Successfully pulled image "${wanted}" in ${took} (${took} including waiting). Image size: ${size} bytes.`,
      );
      this.#failures.delete(key);
      return ready;
    } catch (error) {
      signal.throwIfAborted();
      const message = messageOf(error);
      event('Warning', 'Failed', `Failed to pull image "${wanted}": ${message}`);
      const at = this.#clock.now();
      this.#backOff.next(key, at);
      this.#failures.set(key, { at, message });
      throw new ContainerWaitError('ErrImagePull', message);
    }
  }

  /** Milliseconds until the next pull of this container's image may start. */
  waitFor(pod: Pod, container: Container): number {
    const image = withDefaultTag(container.image ?? '') ?? '';
    const key = `${pod.metadata.uid}_${image}`;
    const failure = this.#failures.get(key);
    return failure ? this.#backOff.remaining(key, failure.at) : 0;
  }

  async #pullWithAny(image: string, request: EnsureImage, signal: AbortSignal): Promise<void> {
    const credentials = credentialsFor(image, request.pullSecrets);
    const tries = credentials.length > 0 ? credentials : [undefined];
    let last: unknown;
    for (const auth of tries) {
      try {
        await this.#service.pullImage(
          { image: { image }, sandboxConfig: request.sandboxConfig, ...(auth && { auth }) },
          signal,
        );
        return;
      } catch (error) {
        signal.throwIfAborted();
        last = error;
      }
    }
    throw last;
  }

  async #size(image: string, signal: AbortSignal): Promise<number> {
    const { image: found } = await this.#service.imageStatus({ image: { image } }, signal);
    return found?.size ?? 0;
  }
}

const codeNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
];

/** An error as it stands in a pod's status; a runtime's with its code, as Kubernetes prints it. */
export function messageOf(error: unknown): string {
  if (error instanceof GrpcError)
    return `rpc error: code = ${codeNames[error.code] ?? error.code} desc = ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
