import { type ChannelOptions, Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { GrpcError, grpcCode, type ImageService, type RuntimeService } from '@keelson/core/cri';
import type { Clock } from '@keelson/core/plugin';
import { type CriMethod, criService, withoutNulls } from './descriptor.ts';
import { grpcTarget } from './endpoint.ts';

const channelOptions: ChannelOptions = {
  'grpc.max_receive_message_length': 64 << 20,
  'grpc.max_send_message_length': 64 << 20,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

interface CallOptions {
  /** Milliseconds; undefined waits as long as it takes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** One connection to one CRI endpoint: unary calls and streams by method name. Connects at the first call, and again after a loss. */
export class CriClient {
  readonly endpoint: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #methods = new Map<string, CriMethod>();

  /** @throws Error for what is not an endpoint */
  constructor(endpoint: string, service: 'RuntimeService' | 'ImageService', clock: Clock) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#client = new Client(grpcTarget(endpoint), credentials.createInsecure(), {
      ...channelOptions,
      // A path in the authority is refused by servers that check it.
      'grpc.default_authority': 'localhost',
    });
    for (const method of Object.values(criService(service))) this.#methods.set(method.originalName ?? '', method);
  }

  /** @throws GrpcError with the server's code; `unavailable` says what to do; `cancelled` when the signal aborts */
  call<Request extends object, Response extends object>(
    name: string,
    request: Request,
    { timeoutMs, signal }: CallOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(new GrpcError(grpcCode.cancelled, `${name} was aborted`));
      const method = this.#method(name);
      const call = this.#client.makeUnaryRequest<Request, Response>(
        method.path,
        (value) => method.requestSerialize(value),
        (bytes) => decoded<Response>(method, bytes),
        request,
        new Metadata(),
        timeoutMs === undefined ? {} : { deadline: this.#clock.now() + timeoutMs },
        (error, response) => {
          signal?.removeEventListener('abort', abort);
          if (error) reject(this.#error(error));
          else if (response === undefined) reject(new GrpcError(grpcCode.internal, `${name} answered nothing`));
          else resolve(response);
        },
      );
      const abort = () => call.cancel();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Ends without an error when the signal aborts. */
  async *stream<Request extends object, Response extends object>(
    name: string,
    request: Request,
    signal?: AbortSignal,
  ): AsyncGenerator<Response> {
    if (signal?.aborted) return;
    const method = this.#method(name);
    const call = this.#client.makeServerStreamRequest<Request, Response>(
      method.path,
      (value) => method.requestSerialize(value),
      (bytes) => decoded<Response>(method, bytes),
      request,
    );
    const abort = () => call.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for await (const message of call) yield message;
    } catch (error) {
      if (signal?.aborted) return;
      throw isServiceError(error) ? this.#error(error) : error;
    } finally {
      signal?.removeEventListener('abort', abort);
      call.cancel();
    }
  }

  close(): void {
    this.#client.close();
  }

  #method(name: string): CriMethod {
    const method = this.#methods.get(name.slice(0, 1).toLowerCase() + name.slice(1)) ?? this.#methods.get(name);
    if (method === undefined) throw new Error(`CRI has no method ${name}`);
    return method;
  }

  #error(error: ServiceError): GrpcError {
    if (error.code !== status.UNAVAILABLE) return new GrpcError(error.code, error.details);
    return new GrpcError(
      grpcCode.unavailable,
      `container runtime at ${this.endpoint} is not reachable: ${error.details}; start it or change runtime in keelson.yaml`,
    );
  }
}

/** The types and the descriptor are generated from one source, so what the descriptor decodes has the type's shape. */
function decoded<Response extends object>(method: CriMethod, bytes: Buffer): Response {
  return withoutNulls(method.responseDeserialize(bytes)) as Response;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error;
}

/** The two services of CRI at one or two endpoints. `requestTimeoutMs` is the deadline where the call itself names none. */
export function connectCri(
  clock: Clock,
  endpoints: { readonly endpoint: string; readonly imageEndpoint?: string; readonly requestTimeoutMs?: number },
): { readonly runtimeService: RuntimeService; readonly imageService: ImageService; close(): void } {
  const runtime = new CriClient(endpoints.endpoint, 'RuntimeService', clock);
  const image = new CriClient(endpoints.imageEndpoint ?? endpoints.endpoint, 'ImageService', clock);
  const usual = endpoints.requestTimeoutMs ?? 120_000;
  return {
    runtimeService: runtimeService(runtime, usual),
    imageService: imageService(image, usual),
    close() {
      runtime.close();
      image.close();
    },
  };
}

function runtimeService(client: CriClient, usual: number): RuntimeService {
  const unary =
    <Request extends object, Response extends object>(
      name: string,
      timeoutMs: (request: Request) => number = () => usual,
    ) =>
    (request: Request, signal?: AbortSignal): Promise<Response> =>
      client.call(name, request, { timeoutMs: timeoutMs(request), signal });
  return {
    version: unary('Version'),
    // Sandboxes may wait for their network: the kubelet gives them twice the usual time.
    runPodSandbox: unary('RunPodSandbox', () => 2 * usual),
    stopPodSandbox: unary('StopPodSandbox'),
    removePodSandbox: unary('RemovePodSandbox'),
    podSandboxStatus: unary('PodSandboxStatus'),
    listPodSandbox: unary('ListPodSandbox'),
    createContainer: unary('CreateContainer'),
    startContainer: unary('StartContainer'),
    stopContainer: unary('StopContainer', ({ timeout = 0 }) => usual + timeout * 1000),
    removeContainer: unary('RemoveContainer'),
    listContainers: unary('ListContainers'),
    containerStatus: unary('ContainerStatus'),
    updateContainerResources: unary('UpdateContainerResources'),
    reopenContainerLog: unary('ReopenContainerLog'),
    execSync: (request, signal) =>
      // Without a time-out of its own a command runs as long as it takes.
      client.call('ExecSync', request, {
        timeoutMs: request.timeout ? usual + request.timeout * 1000 : undefined,
        signal,
      }),
    exec: unary('Exec'),
    attach: unary('Attach'),
    portForward: unary('PortForward'),
    containerStats: unary('ContainerStats'),
    listContainerStats: unary('ListContainerStats'),
    podSandboxStats: unary('PodSandboxStats'),
    listPodSandboxStats: unary('ListPodSandboxStats'),
    updateRuntimeConfig: unary('UpdateRuntimeConfig'),
    status: unary('Status'),
    checkpointContainer: unary('CheckpointContainer', ({ timeout = 0 }) => usual + timeout * 1000),
    getContainerEvents: (request, signal) => client.stream('GetContainerEvents', request, signal),
    listMetricDescriptors: unary('ListMetricDescriptors'),
    listPodSandboxMetrics: unary('ListPodSandboxMetrics'),
    runtimeConfig: unary('RuntimeConfig'),
    updatePodSandboxResources: unary('UpdatePodSandboxResources'),
  };
}

function imageService(client: CriClient, usual: number): ImageService {
  return {
    listImages: (request, signal) => client.call('ListImages', request, { timeoutMs: usual, signal }),
    imageStatus: (request, signal) => client.call('ImageStatus', request, { timeoutMs: usual, signal }),
    // A pull takes as long as the network does; the signal ends it.
    pullImage: (request, signal) => client.call('PullImage', request, { signal }),
    removeImage: (request, signal) => client.call('RemoveImage', request, { timeoutMs: usual, signal }),
    imageFsInfo: (request, signal) => client.call('ImageFsInfo', request, { timeoutMs: usual, signal }),
  };
}
