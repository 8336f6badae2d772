import type { Container, Pod } from '@keelson/core/api';
import { containerHash, defaultedRestartPolicy, isSidecar } from './pod-facts.ts';
import { shouldRestart, shouldRetryInit } from './restart-policy.ts';
import { newestByName, type RuntimeContainer, type RuntimePod, type RuntimeSandbox } from './runtime-pod.ts';

export interface ContainerKill {
  readonly container: RuntimeContainer;
  readonly reason: 'changed' | 'liveness' | 'startup' | 'unknown' | 'postStart';
  readonly message: string;
  /** Seconds that a probe grants instead of the pod's grace period. */
  readonly gracePeriodSeconds?: number;
}

/** What one sync of a pod has to do, in this order: kill, sandbox, ephemeral, init, containers. */
export interface PodActions {
  /** Everything of the pod goes: its sandbox is gone, or nothing is left to run in it. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  readonly attempt: number;
  /** The sandbox that containers start in, unless a new one is created. */
  readonly sandbox: RuntimeSandbox | undefined;
  readonly kill: readonly ContainerKill[];
  readonly startEphemeral: readonly string[];
  readonly startInit: readonly string[];
  readonly startContainers: readonly string[];
}

export interface ProbeVerdicts {
  /** By container id; only a `failure` acts. */
  liveness(containerId: string): 'success' | 'failure' | undefined;
  startup(containerId: string): 'success' | 'failure' | undefined;
}

const nothing = {
  killPod: false,
  createSandbox: false,
  kill: [],
  startEphemeral: [],
  startInit: [],
  startContainers: [],
};

/**
 * Compares a pod with what the runtime has of it. Pure: back-off and images are the executor's concern. A pod being
 * deleted or already terminal never comes here.
 */
export function computePodActions(pod: Pod, actual: RuntimePod, probes: ProbeVerdicts): PodActions {
  const newest = newestByName(actual);
  const change = sandboxChange(pod, actual);
  const base = { ...nothing, attempt: change.attempt, sandbox: change.sandbox };
  if (change.create) return actionsForNewSandbox(pod, actual, newest, base);

  const startEphemeral = (pod.spec.ephemeralContainers ?? [])
    .map((each) => each.name)
    .filter((name) => !newest.has(name));
  const init = initActions(pod, newest, probes);
  if (!init.initialized) {
    return { ...base, killPod: init.failed, startEphemeral, startInit: init.failed ? [] : init.start, kill: init.kill };
  }

  const main = mainActions(pod, newest, probes);
  if (main.keep === 0 && main.start.length === 0) return { ...base, killPod: true };
  return {
    ...base,
    startEphemeral,
    startInit: init.start,
    startContainers: main.start,
    kill: [...init.kill, ...main.kill],
  };
}

function sandboxChange(
  pod: Pod,
  actual: RuntimePod,
): { readonly create: boolean; readonly attempt: number; readonly sandbox: RuntimeSandbox | undefined } {
  const latest = actual.sandboxes[0];
  if (latest === undefined) return { create: true, attempt: 0, sandbox: undefined };
  const ready = actual.sandboxes.filter((each) => each.ready);
  const unusable = !latest.ready || ready.length > 1 || (pod.spec.hostNetwork !== true && latest.ips.length === 0);
  return unusable
    ? { create: true, attempt: latest.attempt + 1, sandbox: latest }
    : { create: false, attempt: latest.attempt, sandbox: latest };
}

/** Every container starts anew in a new sandbox, but for those that must not run twice. */
function actionsForNewSandbox(
  pod: Pod,
  actual: RuntimePod,
  newest: ReadonlyMap<string, RuntimeContainer>,
  base: typeof nothing & Pick<PodActions, 'attempt' | 'sandbox'>,
): PodActions {
  const fresh = actual.sandboxes.length === 0;
  const killAll = { ...base, killPod: true };
  const create = { ...base, killPod: !fresh, createSandbox: true };
  const ranBefore = !fresh && actual.containers.length > 0;
  const policy = defaultedRestartPolicy(pod);

  const runAgain = (container: Container): boolean => {
    const last = newest.get(container.name);
    if (last === undefined || !ranBefore) return true;
    if (policy === 'Never' && container.restartPolicy === undefined && !container.restartPolicyRules) return false;
    return last.state === 'running' || shouldRestart(container, pod, last);
  };
  const main = pod.spec.containers.filter(runAgain);
  const initialized = initDone(pod, newest);
  if (main.length === 0 && initialized) return killAll;
  if (policy === 'Never' && ranBefore && initialized && pod.spec.containers.some((each) => newest.has(each.name))) {
    return killAll;
  }

  const init = pod.spec.initContainers ?? [];
  const firstInit = init[0];
  if (firstInit !== undefined) {
    const failed = init.some((each) => {
      const last = newest.get(each.name);
      return last?.state === 'exited' && last.exitCode !== 0 && !isSidecar(each) && !shouldRetryInit(each, pod, last);
    });
    return failed ? killAll : { ...create, startInit: [firstInit.name] };
  }
  return { ...create, startContainers: main.map((each) => each.name) };
}

/** Whether a main container was ever started, or the last init container is through: init is never done twice. */
function initDone(pod: Pod, newest: ReadonlyMap<string, RuntimeContainer>): boolean {
  if (pod.spec.containers.some((each) => newest.has(each.name))) return true;
  return (pod.spec.initContainers ?? []).every((each) => {
    const last = newest.get(each.name);
    return isSidecar(each) ? last !== undefined : last?.state === 'exited' && last.exitCode === 0;
  });
}

interface InitActions {
  readonly initialized: boolean;
  readonly failed: boolean;
  readonly start: readonly string[];
  readonly kill: readonly ContainerKill[];
}

function initActions(pod: Pod, newest: ReadonlyMap<string, RuntimeContainer>, probes: ProbeVerdicts): InitActions {
  const init = pod.spec.initContainers ?? [];
  const mainStarted = pod.spec.containers.some((each) => newest.has(each.name));
  const start: string[] = [];
  const kill: ContainerKill[] = [];
  for (const container of init) {
    const last = newest.get(container.name);
    if (isSidecar(container)) {
      const step = sidecarStep(container, pod, last, probes);
      if (step.kill) kill.push(step.kill);
      if (step.start) start.push(container.name);
      if (!step.passed && !mainStarted) return { initialized: false, failed: false, start, kill };
      continue;
    }
    if (mainStarted) continue;
    if (last === undefined || last.state === 'created') {
      return { initialized: false, failed: false, start: [...start, container.name], kill };
    }
    if (last.state === 'unknown') {
      kill.push({ container: last, reason: 'unknown', message: unknownMessage(container) });
      return { initialized: false, failed: false, start: [...start, container.name], kill };
    }
    if (last.state === 'running') {
      if (last.hash !== containerHash(container)) {
        kill.push({ container: last, reason: 'changed', message: changedMessage(`Init container ${container.name}`) });
        start.push(container.name);
      }
      return { initialized: false, failed: false, start, kill };
    }
    if (last.exitCode === 0) continue;
    const retry = shouldRetryInit(container, pod, last);
    return { initialized: false, failed: !retry, start: retry ? [...start, container.name] : [], kill };
  }
  return { initialized: true, failed: false, start, kill };
}

/** A sidecar lets the next init container start once it runs and its startup probe, if any, has succeeded. */
function sidecarStep(
  container: Container,
  pod: Pod,
  last: RuntimeContainer | undefined,
  probes: ProbeVerdicts,
): { readonly start: boolean; readonly passed: boolean; readonly kill?: ContainerKill } {
  if (last === undefined || last.state !== 'running') {
    return { start: shouldRestart(container, pod, last), passed: false };
  }
  const kill = killOf(container, last, probes);
  if (kill) return { start: true, passed: true, kill };
  return { start: false, passed: container.startupProbe === undefined || probes.startup(last.id) === 'success' };
}

function mainActions(
  pod: Pod,
  newest: ReadonlyMap<string, RuntimeContainer>,
  probes: ProbeVerdicts,
): { readonly keep: number; readonly start: readonly string[]; readonly kill: readonly ContainerKill[] } {
  const start: string[] = [];
  const kill: ContainerKill[] = [];
  let keep = 0;
  for (const container of pod.spec.containers) {
    const last = newest.get(container.name);
    if (last === undefined || last.state !== 'running') {
      if (!shouldRestart(container, pod, last)) continue;
      start.push(container.name);
      if (last?.state === 'unknown') {
        kill.push({ container: last, reason: 'unknown', message: unknownMessage(container) });
      }
      continue;
    }
    const reason = killOf(container, last, probes);
    if (reason === undefined) {
      keep += 1;
      continue;
    }
    const restarts =
      reason.reason === 'changed' || (container.restartPolicy ?? defaultedRestartPolicy(pod)) !== 'Never';
    kill.push(restarts ? { ...reason, message: `${reason.message}, will be restarted` } : reason);
    if (restarts) start.push(container.name);
    else keep += 1;
  }
  return { keep, start, kill };
}

function killOf(container: Container, last: RuntimeContainer, probes: ProbeVerdicts): ContainerKill | undefined {
  if (last.hash !== '' && last.hash !== containerHash(container)) {
    return { container: last, reason: 'changed', message: changedMessage(`Container ${container.name}`) };
  }
  if (probes.liveness(last.id) === 'failure') {
    return probeKill(container, last, 'liveness', container.livenessProbe?.terminationGracePeriodSeconds);
  }
  if (probes.startup(last.id) === 'failure') {
    return probeKill(container, last, 'startup', container.startupProbe?.terminationGracePeriodSeconds);
  }
  return undefined;
}

function probeKill(
  container: Container,
  last: RuntimeContainer,
  probe: 'liveness' | 'startup',
  grace: number | undefined,
): ContainerKill {
  const message = `Container ${container.name} failed ${probe} probe`;
  return { container: last, reason: probe, message, ...(grace !== undefined && { gracePeriodSeconds: grace }) };
}

const changedMessage = (what: string) => `${what} definition changed`;
const unknownMessage = (container: Container) =>
  `Container is in "unknown" state, try killing it before restart: ${container.name}`;
