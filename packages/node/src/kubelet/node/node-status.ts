import type { ContainerImage, NodeCondition, NodeStatus } from '@keelson/core/api';
import type { RuntimeHandler, RuntimeIsolation } from '@keelson/core/cri';
import type { MachineFacts, Pressure } from './machine.ts';

export const kubeletVersion = 'v1.35.0+keelson';
/** The annotation under which `kubectl describe node` shows what pods are separated from. */
export const isolationAnnotation = 'keelson.dev/isolation';

export interface NodeStatusInput {
  readonly nodeName: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly machine: MachineFacts;
  readonly pressure: Pressure;
  /** Overrides of the machine's capacity, by resource name. */
  readonly capacity: Readonly<Record<string, string>>;
  readonly maxPods: number;
  readonly runtime: {
    readonly name: string;
    readonly version: string;
    readonly handlers: readonly RuntimeHandler[];
    readonly isolation: RuntimeIsolation;
    readonly supplementalGroupsPolicy: boolean;
  };
  /** What keeps the node from being ready; none when it is. */
  readonly problems: readonly string[];
  readonly images: readonly ContainerImage[];
  readonly volumesInUse: readonly string[];
  readonly previous: readonly NodeCondition[] | undefined;
  readonly now: string;
}

/** Memory below which Kubernetes speaks of pressure by default, in bytes. */
const memoryFloor = 100 * 1024 * 1024;
const diskFloor = 0.1;
const pidFloor = 0.1;

/** The whole status of a node. Pure. */
export function generateNodeStatus(input: NodeStatusInput): NodeStatus {
  const { machine, runtime } = input;
  const capacity: Record<string, string> = {
    cpu: String(machine.cpus),
    'ephemeral-storage': `${Math.floor(machine.disk / 1024)}Ki`,
    'hugepages-1Gi': '0',
    'hugepages-2Mi': '0',
    memory: `${Math.floor(machine.memory / 1024)}Ki`,
    ...input.capacity,
    pods: String(input.maxPods),
  };
  return {
    addresses: [
      ...input.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: input.nodeName },
    ],
    capacity,
    allocatable: capacity,
    conditions: nodeConditions(input),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    images: input.images,
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
      ...(machine.swap > 0 && { swap: { capacity: machine.swap } }),
    },
    runtimeHandlers: runtime.handlers.map(({ name = '', features }) => ({
      name,
      features: {
        recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts === true,
        userNamespaces: features?.userNamespaces === true,
      },
    })),
    features: { supplementalGroupsPolicy: runtime.supplementalGroupsPolicy },
    ...(input.volumesInUse.length > 0 && { volumesInUse: input.volumesInUse }),
  };
}

function nodeConditions(input: NodeStatusInput): readonly NodeCondition[] {
  const { pressure, problems, runtime } = input;
  const condition = (type: string, status: boolean, reason: string, message: string): NodeCondition => {
    const before = input.previous?.find((each) => each.type === type);
    const text = status ? 'True' : 'False';
    return {
      type,
      status: text,
      lastHeartbeatTime: input.now,
      lastTransitionTime: before?.status === text ? (before.lastTransitionTime ?? input.now) : input.now,
      reason,
      message,
    };
  };
  const memory = pressure.memoryAvailable < memoryFloor;
  const disk = pressure.diskCapacity > 0 && pressure.diskAvailable < pressure.diskCapacity * diskFloor;
  const pid = pressure.maxPids - pressure.pids < pressure.maxPids * pidFloor;
  const isolated = Object.values(runtime.isolation.isolates).every(Boolean);
  const posting = `kubelet is posting ready status${isolated ? '' : `; ${runtime.isolation.summary}`}`;
  return [
    memory
      ? condition('MemoryPressure', true, 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available')
      : condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    disk
      ? condition('DiskPressure', true, 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pid
      ? condition('PIDPressure', true, 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available')
      : condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length > 0
      ? condition(
          'Ready',
          false,
          'KubeletNotReady',
          problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`,
        )
      : condition('Ready', true, 'KubeletReady', posting),
  ];
}

/** Whether a status says more than that time went by. */
export function nodeStatusChanged(a: NodeStatus | undefined, b: NodeStatus): boolean {
  const bare = (status: NodeStatus | undefined) =>
    JSON.stringify({
      ...status,
      conditions: (status?.conditions ?? []).map(({ lastHeartbeatTime: _, ...rest }) => rest),
    });
  return bare(a) !== bare(b);
}
