import type {
  ContainerConfig,
  NamespaceOption,
  PodSandboxConfig,
  PodSandboxStatus,
  RuntimeService,
} from '@keelson/core/cri';
import { loopbackRange } from '../model/loopback-range.ts';
import { PodAddresses } from '../model/pod-addresses.ts';

const addressAnnotation = 'keelson.dev/pod-ip';

/**
 * For a cluster without a pod network: every pod uses the host's, and is given a loopback address of its own, which it
 * may listen on. The address is kept in an annotation of the sandbox, so that it outlives this process.
 */
export async function withHostNetwork(runtime: RuntimeService, podCidr: string): Promise<RuntimeService> {
  const addresses = new PodAddresses(loopbackRange(podCidr));
  const { items = [] } = await runtime.listPodSandbox({});
  for (const { annotations } of items) {
    const address = annotations?.[addressAnnotation];
    if (address !== undefined) addresses.reserve(address);
  }
  const withAddress = (status: PodSandboxStatus | undefined): PodSandboxStatus | undefined => {
    const ip = status?.state === 'SANDBOX_READY' ? status.annotations?.[addressAnnotation] : undefined;
    if (status === undefined || ip === undefined) return status;
    const { [addressAnnotation]: _own, ...annotations } = status.annotations ?? {};
    return { ...status, annotations, network: { ip, additionalIps: [] } };
  };
  return {
    ...runtime,
    async runPodSandbox(request, signal) {
      if (request.config?.linux?.securityContext?.namespaceOptions?.network === 'NODE') {
        return runtime.runPodSandbox(request, signal);
      }
      const address = addresses.take();
      try {
        return await runtime.runPodSandbox({ ...request, config: sandboxOnHost(request.config, address) }, signal);
      } catch (error) {
        addresses.release(address);
        throw error;
      }
    },
    async createContainer(request, signal) {
      const sandboxConfig = sandboxOnHost(request.sandboxConfig, undefined);
      return runtime.createContainer({ ...request, sandboxConfig, config: containerOnHost(request.config) }, signal);
    },
    async podSandboxStatus(request, signal) {
      const answer = await runtime.podSandboxStatus(request, signal);
      return { ...answer, status: withAddress(answer.status) };
    },
    async removePodSandbox(request, signal) {
      const { items: [sandbox] = [] } = await runtime.listPodSandbox({ filter: { id: request.podSandboxId } }, signal);
      const answer = await runtime.removePodSandbox(request, signal);
      const address = sandbox?.annotations?.[addressAnnotation];
      if (address !== undefined) addresses.release(address);
      return answer;
    },
  };
}

function sandboxOnHost(config: PodSandboxConfig | undefined, address: string | undefined): PodSandboxConfig {
  return {
    ...config,
    hostname: '',
    portMappings: [],
    annotations: { ...config?.annotations, ...(address === undefined ? {} : { [addressAnnotation]: address }) },
    linux: {
      ...config?.linux,
      securityContext: {
        ...config?.linux?.securityContext,
        namespaceOptions: onHost(config?.linux?.securityContext?.namespaceOptions),
      },
    },
  };
}

function containerOnHost(config: ContainerConfig | undefined): ContainerConfig {
  return {
    ...config,
    linux: {
      ...config?.linux,
      securityContext: {
        ...config?.linux?.securityContext,
        namespaceOptions: onHost(config?.linux?.securityContext?.namespaceOptions),
      },
    },
  };
}

function onHost(options: NamespaceOption | undefined): NamespaceOption {
  return { ...options, network: 'NODE' };
}
