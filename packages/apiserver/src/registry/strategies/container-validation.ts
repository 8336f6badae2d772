import {
  type Container,
  type ContainerPort,
  type ContainerRestartRule,
  type EphemeralContainer,
  type PodSpec,
  type Volume,
  validateDnsLabel,
  validatePortName,
} from '@keelson/core';
import { holdsHollow, hollowMember } from '../../schema/index.ts';
import type { FieldErrors } from '../strategy.ts';
import { checkOneOf, checkPort } from './checks.ts';
import { validateEnvironment, validateEnvironmentSources } from './pods/environment-validation.ts';
import { validateDevices, validateMounts } from './pods/mount-validation.ts';
import { validateLifecycle, validateProbes } from './pods/probe-validation.ts';
import { validateResources } from './pods/resource-validation.ts';
import { validateSecurityContext } from './pods/security-validation.ts';

export { validatePortNumberOrName } from './pods/probe-validation.ts';

/** What a container's rules need to know of its pod. */
export interface ContainerScope {
  readonly spec: PodSpec;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly claims: ReadonlySet<string>;
  /** Seconds between the signals to stop and to die. */
  readonly grace: number;
  readonly hostUsers: boolean;
}

/** Regular, init and ephemeral containers. */
export function validateContainers(scope: ContainerScope, at: string, errors: FieldErrors): void {
  const { spec } = scope;
  const names = new Set<string>();
  if (!spec.containers?.length) errors.required(`${at}.containers`);
  spec.containers?.forEach((each, index) => {
    const here = `${at}.containers[${index}]`;
    validateCommon(each, scope, here, errors);
    if (names.has(each.name)) errors.duplicate(`${here}.name`, each.name);
    names.add(each.name);
    validateLifecycle(each.lifecycle, scope.grace, `${here}.lifecycle`, errors);
    validateProbes(each, here, errors);
    validateRestart(each, here, errors);
  });
  if (spec.containers) checkHostPorts(spec.containers, `${at}.containers`, errors);
  spec.initContainers?.forEach((each, index) => {
    const here = `${at}.initContainers[${index}]`;
    validateCommon(each, scope, here, errors);
    validateInitRestart(each, here, errors);
    takeName(each.name, names, here, errors);
    checkHostPorts([each], `${at}.initContainers`, errors);
    if (each.restartPolicy === 'Always') {
      validateLifecycle(each.lifecycle, scope.grace, `${here}.lifecycle`, errors);
      validateProbes(each, here, errors);
    } else refuseProbes(each, here, errors);
  });
  if (spec.ephemeralContainers) validateEphemeralContainers(scope, names, at, errors);
}

function takeName(name: string, names: Set<string>, at: string, errors: FieldErrors): void {
  if (names.has(name)) errors.duplicate(`${at}.name`, name);
  else if (name) names.add(name);
}

function validateCommon(container: Container, scope: ContainerScope, at: string, errors: FieldErrors): void {
  const { name, image } = container;
  if (!name) errors.required(`${at}.name`);
  else errors.rule(`${at}.name`, name, validateDnsLabel(name));
  if (!image) errors.required(`${at}.image`);
  const { terminationMessagePolicy: policy } = container;
  if (policy !== undefined && policy !== '') {
    checkOneOf(`${at}.terminationMessagePolicy`, policy, ['File', 'FallbackToLogsOnError'], errors);
  } else errors.required(`${at}.terminationMessagePolicy`);
  validatePorts(container.ports, `${at}.ports`, errors);
  validateEnvironment(container.env, `${at}.env`, errors);
  validateEnvironmentSources(container.envFrom, `${at}.envFrom`, errors);
  validateMounts(container, scope.volumes, at, errors);
  validateDevices(container, scope.volumes, at, errors);
  checkOneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], errors);
  validateResources(container.resources, scope.claims, `${at}.resources`, errors);
  validateResizePolicy(container, scope.spec, `${at}.resizePolicy`, errors);
  validateSecurityContext(container, scope.hostUsers, at, errors);
}

function validatePorts(ports: readonly ContainerPort[] | undefined, at: string, errors: FieldErrors): void {
  if (!ports) return;
  const names = new Set<string>();
  ports.forEach(({ name, containerPort, hostPort, protocol }, index) => {
    const here = `${at}[${index}]`;
    if (name) {
      const sentences = validatePortName(name);
      errors.rule(`${here}.name`, name, sentences);
      if (sentences.length === 0 && names.has(name)) errors.duplicate(`${here}.name`, name);
      names.add(name);
    }
    if (!containerPort) errors.required(`${here}.containerPort`);
    else checkPort(`${here}.containerPort`, containerPort, errors);
    if (hostPort) checkPort(`${here}.hostPort`, hostPort, errors);
    if (!protocol) errors.required(`${here}.protocol`);
    else checkOneOf(`${here}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'], errors);
  });
}

/** No two containers listen on the same port of the node. */
function checkHostPorts(containers: readonly Pick<Container, 'ports'>[], at: string, errors: FieldErrors): void {
  let taken: Set<string> | undefined;
  containers.forEach(({ ports }, index) => {
    ports?.forEach(({ hostPort, hostIP = '', protocol = '' }, number) => {
      if (!hostPort) return;
      taken ??= new Set();
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) errors.duplicate(`${at}[${index}].ports[${number}].hostPort`, key);
      else taken.add(key);
    });
  });
}

function validateResizePolicy({ resizePolicy }: Container, spec: PodSpec, at: string, errors: FieldErrors): void {
  if (!resizePolicy) return;
  const seen = new Set<string>();
  resizePolicy.forEach(({ resourceName, restartPolicy }, index) => {
    if (seen.has(resourceName)) errors.duplicate(`${at}[${index}]`, resourceName);
    seen.add(resourceName);
    if (!resourceName) errors.required(at);
    else checkOneOf(at, resourceName, ['cpu', 'memory'], errors);
    if (!restartPolicy) errors.required(at);
    else checkOneOf(at, restartPolicy, ['NotRequired', 'RestartContainer'], errors);
    if (spec.restartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.invalid(at, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  });
}

const mostRules = 20;
const mostExitCodes = 255;

/** The restart policy of a single container, and its exceptions (KEP-5307). */
function validateRestart(
  { restartPolicy, restartPolicyRules }: Pick<Container, 'restartPolicy' | 'restartPolicyRules'>,
  at: string,
  errors: FieldErrors,
): void {
  checkOneOf(`${at}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure'], errors);
  if (!restartPolicyRules?.length) return;
  if (restartPolicy === undefined) {
    errors.required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used');
  }
  const field = `${at}.restartPolicyRules`;
  if (restartPolicyRules.length > mostRules) errors.tooLong(field, mostRules);
  restartPolicyRules.forEach((each, index) => void validateRestartRule(each, `${field}[${index}]`, errors));
}

/** Init containers that run on beside the others have no exceptions to that. */
function validateInitRestart(container: Container, at: string, errors: FieldErrors): void {
  if (!container.restartPolicyRules?.length || container.restartPolicy === 'Always') {
    checkOneOf(`${at}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure'], errors);
    if (!container.restartPolicyRules?.length) return;
    const why = 'restartPolicyRules are not allowed for init containers with restart policy Always';
    errors.forbidden(`${at}.restartPolicyRules`, why);
  } else if (container.restartPolicy === undefined) {
    errors.required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used');
  } else validateRestart(container, at, errors);
}

function validateRestartRule({ action, exitCodes }: ContainerRestartRule, at: string, errors: FieldErrors): void {
  checkOneOf(`${at}.action`, action ?? '', ['Restart'], errors);
  if (!exitCodes) {
    errors.required(`${at}.exitCodes`, 'must be specified');
    return;
  }
  checkOneOf(`${at}.exitCodes.operator`, exitCodes.operator ?? '', ['In', 'NotIn'], errors);
  if ((exitCodes.values?.length ?? 0) > mostExitCodes) errors.tooLong(`${at}.exitCodes.values`, mostExitCodes);
}

function refuseProbes(container: Container, at: string, errors: FieldErrors): void {
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name]) {
      errors.forbidden(`${at}.${name}`, 'may not be set for init containers without restartPolicy=Always');
    }
  }
}

const notEphemeral = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

function isSet(container: EphemeralContainer, field: (typeof notEphemeral)[number]): boolean {
  if (hollowMember(container, field) !== undefined) return true;
  const value = container[field];
  if (field === 'resources') return Object.keys(container.resources ?? {}).length > 0 || holdsHollow(value);
  return Array.isArray(value) ? value.length > 0 : value !== undefined;
}

function validateEphemeralContainers(scope: ContainerScope, names: Set<string>, at: string, errors: FieldErrors): void {
  const { spec } = scope;
  const targets = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((each) => each.name));
  spec.ephemeralContainers?.forEach((each, index) => {
    const here = `${at}.ephemeralContainers[${index}]`;
    validateCommon(each, scope, here, errors);
    takeName(each.name, names, here, errors);
    if (each.image !== undefined && each.image.trim() !== each.image) {
      errors.invalid(`${here}.image`, each.image, 'must not have leading or trailing whitespace');
    }
    if (each.targetContainerName && !targets.has(each.targetContainerName)) {
      errors.notFound(`${here}.targetContainerName`, each.targetContainerName);
    }
    for (const field of notEphemeral) {
      if (isSet(each, field)) errors.forbidden(`${here}.${field}`, 'cannot be set for an Ephemeral Container');
    }
    each.volumeMounts?.forEach((mount, number) => {
      if (mount.subPath)
        errors.forbidden(`${here}.volumeMounts[${number}].subPath`, 'cannot be set for an Ephemeral Container');
      if (mount.subPathExpr) {
        errors.forbidden(`${here}.volumeMounts[${number}].subPathExpr`, 'cannot be set for an Ephemeral Container');
      }
    });
  });
}
