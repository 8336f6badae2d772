import { token } from '../plugin/index.ts';

/** CNI 1.1 (github.com/containernetworking/cni/blob/main/SPEC.md), as an in-process contract. */
export interface CniRequest {
  readonly containerId: string;
  /** Path of the network namespace, for example `/var/run/netns/x`; may be empty for `del`. */
  readonly netns: string;
  /** Name of the interface inside; `eth0` for pods. */
  readonly ifName: string;
  /** CNI_ARGS; runtimes set K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_INFRA_CONTAINER_ID, K8S_POD_UID. */
  readonly args?: Readonly<Record<string, string>>;
  /** runtimeConfig by capability, such as `portMappings`. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

/** What a network plugin answers to ADD (CNI specification, "ADD Success"). */
export interface CniResult {
  readonly cniVersion: string;
  readonly interfaces?: readonly {
    readonly name: string;
    readonly mac?: string;
    readonly mtu?: number;
    readonly sandbox?: string;
  }[];
  readonly ips?: readonly { readonly interface?: number; readonly address: string; readonly gateway?: string }[];
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[];
  readonly dns?: {
    readonly nameservers?: readonly string[];
    readonly search?: readonly string[];
    readonly options?: readonly string[];
    readonly domain?: string;
  };
}

/** A network configuration list as runtimes that exec CNI binaries read it from their conf_dir. */
export interface CniConfigList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
}

/** One open pod network. `del` succeeds for what is already gone. Never two calls at once for one container. */
export interface NetworkPlugin {
  /** Whether pods get a network namespace of their own; without, they share the host's and their address is the node's loopback. */
  readonly ownNamespace: boolean;
  add(request: CniRequest, signal?: AbortSignal): Promise<CniResult>;
  del(request: CniRequest, signal?: AbortSignal): Promise<void>;
  check(request: CniRequest, signal?: AbortSignal): Promise<void>;
  /** Rejects with `CniError` 50 or 51 while the network cannot take pods. */
  status(signal?: AbortSignal): Promise<void>;
  /** Frees what belongs to no container of `validAttachments`. */
  gc(
    validAttachments: readonly { readonly containerId: string; readonly ifName: string }[],
    signal?: AbortSignal,
  ): Promise<void>;
  /** The same network for a runtime that execs CNI binaries itself (containerd). */
  configList(): { readonly list: CniConfigList; readonly binDirs: readonly string[] } | undefined;
  /** Takes away what the network has put on the machine beyond its pods: called when no pod is left, at an end for good. */
  remove?(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** What a network plugin provides: opens the network of one node. */
export interface NetworkProvider {
  readonly name: string;
  probe(signal?: AbortSignal): Promise<{ readonly usable: boolean; readonly reason: string }>;
  open(
    node: {
      readonly nodeName: string;
      readonly index: number;
      readonly dataDir: string;
      readonly podCidr: string;
      readonly nodeIp: string;
    },
    signal?: AbortSignal,
  ): Promise<NetworkPlugin>;
}

export const NetworkProvider = token<NetworkProvider>('NetworkProvider');

/** Error codes 1–99 are the specification's; 100 and above a plugin's own. */
export class CniError extends Error {
  override readonly name = 'CniError';
  readonly code: number;
  readonly details: string | undefined;
  constructor(code: number, message: string, details?: string) {
    super(message);
    this.code = code;
    this.details = details;
  }
}
