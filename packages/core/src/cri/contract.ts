import type { NetworkPlugin } from '../cni/index.ts';
import { token } from '../plugin/index.ts';
import type { ImageService, RuntimeService } from './generated/types.ts';

/** One node as its runtime, network and storage see it. */
export interface NodeEnvironment {
  readonly nodeName: string;
  /** 0-based position among the nodes of this process. */
  readonly index: number;
  /** A directory of the node's own; whatever is kept there survives a restart. */
  readonly dataDir: string;
  /** The addresses that this node may give to pods, for example `10.244.0.0/24`. */
  readonly podCidr: string;
  /** The address under which pods and other nodes reach this node. */
  readonly nodeIp: string;
}

/** What a pod on this runtime is separated from, for people to read in `kubectl describe node`. */
export interface RuntimeIsolation {
  /** One sentence, for example `containers: namespaces, cgroups and seccomp by runc`. */
  readonly summary: string;
  /** What is and what is not isolated: `{ processes: true, files: true, network: false, limits: false }`. */
  readonly isolates: Readonly<Record<'processes' | 'files' | 'network' | 'users' | 'limits', boolean>>;
}

/** A CRI v1 runtime that is open for one node. Errors are `CriError` with a gRPC code. */
export interface ContainerRuntime {
  readonly runtimeService: RuntimeService;
  readonly imageService: ImageService;
  readonly isolation: RuntimeIsolation;
  /** Called before a container's log file is read, for runtimes that keep output in memory until somebody asks for it. */
  writeLog?(containerId: string): Promise<void>;
  /** Lets go of the runtime; running containers are left running where the runtime can do that. */
  close(): Promise<void>;
}

/** Whether a runtime can be used on this machine. */
export interface RuntimeProbe {
  readonly usable: boolean;
  /** Why it is usable or not, for people: `containerd 1.6.20 and runc 1.1.5 found, running as root`. */
  readonly reason: string;
}

/** What a runtime plugin provides: opens one runtime a node. */
export interface RuntimeProvider {
  readonly name: string;
  /** Looks whether this machine can run it; changes nothing. */
  probe(signal?: AbortSignal): Promise<RuntimeProbe>;
  open(node: NodeEnvironment & { readonly network: NetworkPlugin }, signal?: AbortSignal): Promise<ContainerRuntime>;
  /** Ends all pods that the runtime keeps for this node, and whatever it has left running itself: for `keelson down`. */
  shutdown?(node: NodeEnvironment & { readonly network: NetworkPlugin }, signal?: AbortSignal): Promise<void>;
}

export const RuntimeProvider = token<RuntimeProvider>('RuntimeProvider');

/** gRPC status codes that CRI and CSI use (grpc.io/docs/guides/status-codes). */
export const grpcCode = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/** An error of a CRI or CSI call with its gRPC code; what a remote runtime answers and what an embedded one throws. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
