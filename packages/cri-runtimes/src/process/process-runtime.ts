import type { NetworkPlugin } from '@keelson/core/cni';
import {
  type AttachRequest,
  type ContainerStats,
  type ExecRequest,
  GrpcError,
  grpcCode,
  type PodSandboxStats,
  type RuntimeService,
} from '@keelson/core/cri';
import type { Clock, Logger } from '@keelson/core/plugin';
import { storeQueries } from '../model/pod-store.ts';
import { signalProcess } from '../model/process-identity.ts';
import { labelsMatch } from '../model/records.ts';
import { execArguments, execToEnd } from './exec.ts';
import type { Machine } from './machine.ts';
import { livingInit, type ProcessPods } from './process-pods.ts';
import type { ContainerState } from './process-state.ts';
import { type PortForwardOpener, servePortForward } from './streaming/port-forward.ts';
import { errorStatus, type RemoteCommandOpener } from './streaming/remote-command.ts';
import { serveAttach, serveExec } from './streaming/serve-command.ts';
import type { StreamingServer } from './streaming/streaming-server.ts';
import { processUsage } from './usage.ts';

export interface ProcessServiceContext {
  readonly pods: ProcessPods;
  readonly machine: Machine;
  readonly network: NetworkPlugin;
  readonly streaming: StreamingServer;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const processVersion = {
  version: '0.1.0',
  runtimeName: 'keelson-process',
  runtimeVersion: '0.1.0',
  runtimeApiVersion: 'v1',
};

/** CRI's RuntimeService over real processes. */
export function processRuntimeService(context: ProcessServiceContext): RuntimeService {
  const { pods, machine, network, streaming, clock, logger } = context;
  const { store } = pods;
  /** @throws GrpcError `failedPrecondition` unless it runs */
  const entry = async (containerId: string | undefined, cmd: readonly string[]) => {
    const state = pods.containerState(containerId ?? '');
    const init = await livingInit(state);
    if (state.record.state !== 'CONTAINER_RUNNING' || init === undefined) {
      throw new GrpcError(grpcCode.failedPrecondition, `container "${containerId}" is not running`);
    }
    if (cmd.length === 0) throw new GrpcError(grpcCode.invalidArgument, 'no command was given');
    const cgroupFiles = pods.cgroupOf(state)?.joinFiles ?? [];
    const sandbox = pods.sandboxState(state.record.sandboxId);
    return { state, init, argv: execArguments(state, sandbox, cmd, { machine, init, cgroupFiles }) };
  };
  const stats = async (state: ContainerState): Promise<ContainerStats> => {
    const init = await livingInit(state);
    const usage =
      (await pods.cgroupOf(state)?.usage()) ??
      (init === undefined
        ? { cpuNanoseconds: 0, memoryUsage: 0, memoryWorkingSet: 0 }
        : await processUsage(init.pid, state.spec.pid === 'own'));
    const timestamp = clock.now() * 1e6;
    return {
      attributes: attributes(state.record),
      cpu: { timestamp, usageCoreNanoSeconds: { value: usage.cpuNanoseconds } },
      memory: {
        timestamp,
        workingSetBytes: { value: usage.memoryWorkingSet },
        usageBytes: { value: usage.memoryUsage },
        rssBytes: { value: usage.memoryWorkingSet },
      },
    };
  };
  const running = (sandboxId?: string) =>
    [...(sandboxId ? store.containersOf(sandboxId) : store.containers())].filter(
      ({ state }) => state === 'CONTAINER_RUNNING',
    );
  const podStats = async (id: string): Promise<PodSandboxStats> => {
    const containers = await Promise.all(running(id).map((each) => stats(pods.containerState(each.id))));
    const timestamp = clock.now() * 1e6;
    const sum = (pick: (each: ContainerStats) => number | undefined) => ({
      value: containers.reduce((total, each) => total + (pick(each) ?? 0), 0),
    });
    return {
      attributes: attributes(store.sandbox(id)),
      linux: {
        cpu: { timestamp, usageCoreNanoSeconds: sum(({ cpu }) => cpu?.usageCoreNanoSeconds?.value) },
        memory: {
          timestamp,
          workingSetBytes: sum(({ memory }) => memory?.workingSetBytes?.value),
          usageBytes: sum(({ memory }) => memory?.usageBytes?.value),
        },
        containers,
      },
    };
  };
  return {
    ...storeQueries(store, clock),
    async version() {
      return processVersion;
    },
    async status(_request, signal) {
      const unready = await network.status(signal).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      return {
        status: {
          conditions: [
            { type: 'RuntimeReady', status: true, reason: '', message: '' },
            {
              type: 'NetworkReady',
              status: unready === undefined,
              reason: unready === undefined ? '' : 'NetworkPluginNotReady',
              message: unready ?? '',
            },
          ],
        },
        info: {},
        runtimeHandlers: [{ name: '', features: { recursiveReadOnlyMounts: false, userNamespaces: false } }],
        features: { supplementalGroupsPolicy: machine.level === 'root' },
      };
    },
    async runtimeConfig() {
      return { linux: { cgroupDriver: 'CGROUPFS' } };
    },
    async updateRuntimeConfig() {
      return {};
    },
    async runPodSandbox({ config, runtimeHandler }, signal) {
      if (config?.metadata === undefined)
        throw new GrpcError(grpcCode.invalidArgument, 'sandbox config must include metadata');
      return { podSandboxId: await pods.runSandbox(config, runtimeHandler ?? '', signal) };
    },
    async stopPodSandbox({ podSandboxId }) {
      if (store.findSandbox(podSandboxId) !== undefined) await pods.stopSandbox(podSandboxId ?? '');
      return {};
    },
    async removePodSandbox({ podSandboxId }) {
      await pods.removeSandbox(podSandboxId ?? '');
      return {};
    },
    async createContainer({ podSandboxId, config, sandboxConfig }) {
      if (config?.metadata === undefined)
        throw new GrpcError(grpcCode.invalidArgument, 'container config must include metadata');
      return { containerId: await pods.createContainer(podSandboxId ?? '', config, sandboxConfig) };
    },
    async startContainer({ containerId }) {
      await pods.startContainer(containerId ?? '');
      return {};
    },
    async stopContainer({ containerId, timeout }, signal) {
      await pods.stopContainer(containerId ?? '', timeout ?? 0, signal);
      return {};
    },
    async removeContainer({ containerId }) {
      await pods.removeContainer(containerId ?? '');
      return {};
    },
    async updateContainerResources({ containerId, linux }) {
      await pods.updateResources(containerId ?? '', linux);
      return {};
    },
    async updatePodSandboxResources({ podSandboxId }) {
      store.sandbox(podSandboxId);
      return {};
    },
    async reopenContainerLog({ containerId }) {
      const { record } = pods.containerState(containerId ?? '');
      if (record.state !== 'CONTAINER_RUNNING') {
        throw new GrpcError(grpcCode.failedPrecondition, `container "${containerId}" is not running`);
      }
      await pods.pumpOf(record.id)?.reopen();
      return {};
    },
    async execSync({ containerId, cmd, timeout }, signal) {
      const { argv } = await entry(containerId, cmd ?? []);
      return execToEnd(argv, { clock, timeoutSeconds: timeout ?? 0, signal });
    },
    async exec(request) {
      const { argv } = await entry(request.containerId, request.cmd ?? []);
      const serve = (open: RemoteCommandOpener) => serveExec(open, argv, request);
      return { url: await streaming.offer({ verb: 'exec', streams: streamsOf(request), serve }) };
    },
    async attach(request) {
      const { state, init } = await entry(request.containerId, ['attach']);
      const { id } = state.record;
      const pump = pods.pumpOf(id);
      if (pump === undefined) throw new GrpcError(grpcCode.failedPrecondition, `container "${id}" is not running`);
      if (request.stdin && !state.spec.stdin) {
        throw new GrpcError(grpcCode.failedPrecondition, `container "${id}" was made without standard input`);
      }
      const container = {
        dir: pods.containerDir(id),
        pump,
        initPid: init.pid,
        closeInput: () => void (state.shim && signalProcess(state.shim, 'SIGUSR1')),
      };
      const serve = (open: RemoteCommandOpener) => {
        const ended = pods.exitOf(id);
        serveAttach(
          open,
          { ...container, ended },
          { ...request, stdinOnce: state.record.config.stdinOnce ?? false },
          logger,
        ).catch((error: unknown) => {
          logger.warn('attach failed', { error: String(error) });
          return open({}).end(errorStatus(String(error)));
        });
      };
      return { url: await streaming.offer({ verb: 'attach', streams: streamsOf(request), serve }) };
    },
    async portForward({ podSandboxId, port = [] }) {
      const { record, netns } = pods.sandboxState(podSandboxId ?? '');
      if (record.state !== 'SANDBOX_READY') {
        throw new GrpcError(grpcCode.failedPrecondition, `pod sandbox "${podSandboxId}" is not running`);
      }
      const dialer = {
        addresses: netns === undefined ? [...record.ips, '127.0.0.1'] : record.ips,
        netns: netns === undefined ? undefined : `/run/netns/${netns}`,
        nsenter: machine.programs['nsenter'] ?? 'nsenter',
      };
      const serve = (open: PortForwardOpener) => servePortForward(open, dialer, logger);
      return { url: await streaming.offer({ verb: 'portforward', ports: port, serve }) };
    },
    async containerStats({ containerId }) {
      return { stats: await stats(pods.containerState(containerId ?? '')) };
    },
    async listContainerStats({ filter }) {
      const wanted = running(filter?.podSandboxId).filter(
        ({ id, config }) => (!filter?.id || filter.id === id) && labelsMatch(config.labels, filter?.labelSelector),
      );
      return { stats: await Promise.all(wanted.map(({ id }) => stats(pods.containerState(id)))) };
    },
    async podSandboxStats({ podSandboxId }) {
      return { stats: await podStats(podSandboxId ?? '') };
    },
    async listPodSandboxStats({ filter }) {
      const wanted = [...store.sandboxes()].filter(
        ({ id, config }) => (!filter?.id || filter.id === id) && labelsMatch(config.labels, filter?.labelSelector),
      );
      return { stats: await Promise.all(wanted.map(({ id }) => podStats(id))) };
    },
    async checkpointContainer() {
      throw new GrpcError(grpcCode.unimplemented, 'checkpoint: the process runtime cannot freeze processes to disk');
    },
    async listMetricDescriptors() {
      return { descriptors: [] };
    },
    async listPodSandboxMetrics() {
      return { podMetrics: [] };
    },
  };
}

/** A terminal has one output. */
function streamsOf({ stdin = false, stdout = false, stderr = false, tty = false }: ExecRequest | AttachRequest) {
  return { stdin, stdout, stderr: stderr && !tty, tty };
}

interface Described {
  readonly id: string;
  readonly config: {
    readonly metadata?: object;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

function attributes({ id, config }: Described) {
  return { id, metadata: config.metadata, labels: config.labels, annotations: config.annotations };
}
