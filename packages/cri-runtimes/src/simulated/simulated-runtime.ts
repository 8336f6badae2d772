import {
  type ContainerRuntime,
  type ContainerStats,
  GrpcError,
  grpcCode,
  type NodeEnvironment,
  type PodSandboxStats,
  type RuntimeService,
} from '@keelson/core/cri';
import type { Clock, Random } from '@keelson/core/plugin';
import { storeQueries } from '../model/pod-store.ts';
import { type ContainerRecord, labelsMatch, type SandboxRecord } from '../model/records.ts';
import type { SimulatedOptions } from './options.ts';
import { SimulatedImages } from './simulated-images.ts';
import { SimulatedPods } from './simulated-pods.ts';

export const simulatedVersion = {
  version: '0.1.0',
  runtimeName: 'keelson-simulated',
  runtimeVersion: '0.1.0',
  runtimeApiVersion: 'v1',
};

/** Opens a simulated runtime for one node: a few objects, no file, no process. */
export function openSimulatedRuntime(
  clock: Clock,
  random: Random,
  options: SimulatedOptions,
  node: Pick<NodeEnvironment, 'podCidr'>,
): ContainerRuntime {
  const imageService = new SimulatedImages(clock, random, options);
  const pods = new SimulatedPods(clock, random, options, imageService, node.podCidr);
  return {
    runtimeService: simulatedRuntimeService(pods, clock),
    imageService,
    isolation: {
      summary: 'simulated: containers have states but no processes',
      isolates: { processes: false, files: false, network: false, users: false, limits: false },
    },
    writeLog: (containerId) => pods.writeLog(containerId),
    async close() {
      pods.close();
    },
  };
}

function unimplemented(what: string): never {
  throw new GrpcError(grpcCode.unimplemented, `${what}: the containers of the simulated runtime have no processes`);
}

function simulatedRuntimeService(pods: SimulatedPods, clock: Clock): RuntimeService {
  const { store } = pods;
  return {
    ...storeQueries(store, clock),
    async version() {
      return simulatedVersion;
    },
    async status() {
      const ok = { status: true, reason: '', message: '' };
      return {
        status: {
          conditions: [
            { type: 'RuntimeReady', ...ok },
            { type: 'NetworkReady', ...ok },
          ],
        },
        info: {},
        runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
        features: { supplementalGroupsPolicy: false },
      };
    },
    async runtimeConfig() {
      return { linux: { cgroupDriver: 'CGROUPFS' } };
    },
    async updateRuntimeConfig() {
      return {};
    },
    async runPodSandbox({ config, runtimeHandler }, signal) {
      if (config?.metadata === undefined) {
        throw new GrpcError(grpcCode.invalidArgument, 'sandbox config must include metadata');
      }
      return { podSandboxId: await pods.runSandbox(config, runtimeHandler ?? '', signal) };
    },
    async stopPodSandbox({ podSandboxId }) {
      if (store.findSandbox(podSandboxId) !== undefined) pods.stopSandbox(podSandboxId ?? '');
      return {};
    },
    async removePodSandbox({ podSandboxId }) {
      pods.removeSandbox(podSandboxId ?? '');
      return {};
    },
    async createContainer({ podSandboxId, config, sandboxConfig }) {
      if (config?.metadata === undefined) {
        throw new GrpcError(grpcCode.invalidArgument, 'container config must include metadata');
      }
      return { containerId: pods.createContainer(podSandboxId ?? '', config, sandboxConfig) };
    },
    async startContainer({ containerId }, signal) {
      await pods.startContainer(containerId ?? '', signal);
      return {};
    },
    async stopContainer({ containerId, timeout }, signal) {
      await pods.stopContainer(containerId ?? '', timeout ?? 0, signal);
      return {};
    },
    async removeContainer({ containerId }) {
      pods.removeContainer(containerId ?? '');
      return {};
    },
    async updateContainerResources({ containerId, linux }) {
      pods.updateResources(containerId ?? '', linux);
      return {};
    },
    async updatePodSandboxResources({ podSandboxId }) {
      store.sandbox(podSandboxId);
      return {};
    },
    async reopenContainerLog({ containerId }) {
      await pods.writeLog(containerId ?? '');
      return {};
    },
    async execSync({ containerId }) {
      const { stdout, stderr, exitCode } = pods.exec(containerId ?? '');
      return { stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), exitCode };
    },
    async exec() {
      return unimplemented('exec');
    },
    async attach() {
      return unimplemented('attach');
    },
    async portForward() {
      return unimplemented('port-forward');
    },
    async checkpointContainer() {
      return unimplemented('checkpoint');
    },
    async containerStats({ containerId }) {
      return { stats: containerStats(store.container(containerId), clock) };
    },
    async listContainerStats({ filter }) {
      const stats = [];
      for (const record of filter?.podSandboxId ? store.containersOf(filter.podSandboxId) : store.containers()) {
        if (filter?.id && filter.id !== record.id) continue;
        if (record.state === 'CONTAINER_RUNNING' && labelsMatch(record.config.labels, filter?.labelSelector)) {
          stats.push(containerStats(record, clock));
        }
      }
      return { stats };
    },
    async podSandboxStats({ podSandboxId }) {
      return { stats: sandboxStats(store.sandbox(podSandboxId), pods, clock) };
    },
    async listPodSandboxStats({ filter }) {
      const stats = [];
      for (const record of store.sandboxes()) {
        if (filter?.id && filter.id !== record.id) continue;
        if (labelsMatch(record.config.labels, filter?.labelSelector)) stats.push(sandboxStats(record, pods, clock));
      }
      return { stats };
    },
    async listMetricDescriptors() {
      return { descriptors: [] };
    },
    async listPodSandboxMetrics() {
      return { podMetrics: [] };
    },
  };
}

function containerStats(record: ContainerRecord, clock: Clock): ContainerStats {
  const timestamp = clock.now() * 1e6;
  return {
    attributes: {
      id: record.id,
      metadata: record.config.metadata,
      labels: record.config.labels,
      annotations: record.config.annotations,
    },
    cpu: { timestamp, usageCoreNanoSeconds: { value: 0 }, usageNanoCores: { value: 0 } },
    memory: { timestamp, workingSetBytes: { value: 0 }, usageBytes: { value: 0 }, rssBytes: { value: 0 } },
  };
}

function sandboxStats(record: SandboxRecord, pods: SimulatedPods, clock: Clock): PodSandboxStats {
  return {
    attributes: {
      id: record.id,
      metadata: record.config.metadata,
      labels: record.config.labels,
      annotations: record.config.annotations,
    },
    linux: { containers: pods.store.containersOf(record.id).map((container) => containerStats(container, clock)) },
  };
}
