import type { Container, EphemeralContainer, Pod } from '@keelson/core/api';
import type * as cri from '@keelson/core/cri';
import { expand } from '../environment/expand.ts';
import { containerHash } from '../pods/pod-facts.ts';
import { runtimeAnnotations, runtimeLabels } from '../pods/runtime-pod.ts';
import { linuxResources } from './resources.ts';
import { containerSecurityContext, type SecurityFacts } from './security-context.ts';

export interface ContainerFacts extends SecurityFacts {
  readonly restartCount: number;
  /** What the runtime calls the image. */
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly cri.Mount[];
  readonly devices: readonly cri.Device[];
  readonly memoryCapacity: number;
}

/** Everything about a container that the runtime has to know; what it reads back after a restart is in the annotations. */
export function containerConfig(
  pod: Pod,
  container: Container | EphemeralContainer,
  facts: ContainerFacts,
): cri.ContainerConfig {
  const lookup = (name: string) => facts.environment.get(name);
  const { name, namespace = '', uid = '' } = pod.metadata;
  const encoder = new TextEncoder();
  return {
    metadata: { name: container.name, attempt: facts.restartCount },
    image: { image: facts.imageRef, userSpecifiedImage: container.image ?? '' },
    command: (container.command ?? []).map((each) => expand(each, lookup)),
    args: (container.args ?? []).map((each) => expand(each, lookup)),
    workingDir: container.workingDir ?? '',
    envs: [...facts.environment].map(([key, value]) => ({ key, value: encoder.encode(value) })),
    mounts: facts.mounts,
    devices: facts.devices,
    labels: {
      [runtimeLabels.containerName]: container.name,
      [runtimeLabels.podName]: name,
      [runtimeLabels.podNamespace]: namespace,
      [runtimeLabels.podUid]: uid,
    },
    annotations: containerAnnotations(pod, container, facts.restartCount),
    logPath: `${container.name}/${facts.restartCount}.log`,
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: linuxResources(pod, container, facts.memoryCapacity),
      securityContext: containerSecurityContext(pod, container, facts),
    },
    ...(container.lifecycle?.stopSignal && { stopSignal: stopSignal(container.lifecycle.stopSignal) }),
  };
}

function containerAnnotations(pod: Pod, container: Container, restartCount: number): Readonly<Record<string, string>> {
  const preStop = container.lifecycle?.preStop;
  const ports = container.ports ?? [];
  const { deletionGracePeriodSeconds } = pod.metadata;
  const grace = pod.spec.terminationGracePeriodSeconds;
  return {
    [runtimeAnnotations.hash]: containerHash(container),
    [runtimeAnnotations.restartCount]: String(restartCount),
    [runtimeAnnotations.terminationMessagePath]: container.terminationMessagePath ?? '',
    [runtimeAnnotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
    ...(preStop && { [runtimeAnnotations.preStopHandler]: JSON.stringify(preStop) }),
    ...(ports.length > 0 && { [runtimeAnnotations.ports]: JSON.stringify(ports) }),
    ...(grace !== undefined && { [runtimeAnnotations.terminationGracePeriod]: String(grace) }),
    ...(deletionGracePeriodSeconds !== undefined && {
      [runtimeAnnotations.deletionGracePeriod]: String(deletionGracePeriodSeconds),
    }),
  };
}

const signals = new Set<string>([
  'SIGABRT',
  'SIGALRM',
  'SIGBUS',
  'SIGCHLD',
  'SIGCONT',
  'SIGFPE',
  'SIGHUP',
  'SIGILL',
  'SIGINT',
  'SIGIO',
  'SIGKILL',
  'SIGPIPE',
  'SIGPROF',
  'SIGPWR',
  'SIGQUIT',
  'SIGSEGV',
  'SIGSTKFLT',
  'SIGSTOP',
  'SIGSYS',
  'SIGTERM',
  'SIGTRAP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGUSR1',
  'SIGUSR2',
  'SIGVTALRM',
  'SIGWINCH',
  'SIGXCPU',
  'SIGXFSZ',
] satisfies cri.Signal[]);

function stopSignal(name: string): cri.Signal {
  const realTime = /^SIGRTM(IN|AX)([+-]\d+)?$/.test(name) ? name.replace('+', 'PLUS').replace('-', 'MINUS') : name;
  return isSignal(realTime) ? realTime : 'RUNTIME_DEFAULT';
}

function isSignal(name: string): name is cri.Signal {
  return signals.has(name) || name.startsWith('SIGRTM');
}
