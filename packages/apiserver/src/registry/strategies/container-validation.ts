import {
  type Container,
  compareQuantity,
  type EnvVar,
  type LifecycleHandler,
  type Probe,
  quantityValue,
  type ResourceRequirements,
  type SecurityContext,
  validateDnsLabel,
  validateDnsSubdomain,
  validatePortName,
  zeroQuantity,
} from '@keelson/core';
import type { FieldErrors } from '../strategy.ts';
import { checkNonNegative, checkOneOf, checkPort, checkRange } from './checks.ts';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);
const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

export interface ContainerScope {
  readonly volumes: ReadonlySet<string>;
  readonly names: Set<string>;
}

export function validateContainer(
  container: Container,
  at: string,
  role: 'containers' | 'initContainers',
  scope: ContainerScope,
  errors: FieldErrors,
): void {
  const { name, image } = container;
  if (!name) errors.required(`${at}.name`);
  else {
    const sentences = validateDnsLabel(name);
    errors.rule(`${at}.name`, name, sentences);
    if (sentences.length === 0 && scope.names.has(name)) errors.duplicate(`${at}.name`, name);
    scope.names.add(name);
  }
  if (!image) errors.required(`${at}.image`);
  else if (image !== image.trim()) errors.invalid(`${at}.image`, image, 'must not have leading or trailing whitespace');
  const sidecar = container.restartPolicy === 'Always';
  if (role === 'initContainers' && !sidecar) refuseProbes(container, at, errors);
  else validateProbes(container, at, errors);
  checkOneOf(
    `${at}.terminationMessagePolicy`,
    container.terminationMessagePolicy,
    ['File', 'FallbackToLogsOnError'],
    errors,
  );
  checkOneOf(`${at}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never'], errors);
  validatePorts(container, `${at}.ports`, errors);
  (container.env ?? []).forEach((each, index) => void validateEnv(each, `${at}.env[${index}]`, errors));
  for (const each of container.envFrom ?? []) {
    if (!each.configMapRef && !each.secretRef) {
      errors.invalid(`${at}.envFrom`, '', 'must specify one of: `configMapRef` or `secretRef`');
    }
  }
  validateMounts(container, `${at}.volumeMounts`, scope, errors);
  if (container.resources) validateResources(container.resources, `${at}.resources`, errors);
  validateSecurity(container, `${at}.securityContext`, errors);
}

function refuseProbes(container: Container, at: string, errors: FieldErrors): void {
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name]) {
      errors.forbidden(`${at}.${name}`, 'may not be set for init containers without restartPolicy=Always');
    }
  }
}

function validateProbes(container: Container, at: string, errors: FieldErrors): void {
  const { lifecycle } = container;
  for (const name of ['postStart', 'preStop'] as const) {
    const handler = lifecycle?.[name];
    if (handler) validateHandler(handler, `${at}.lifecycle.${name}`, errors);
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[name];
    if (!probe) continue;
    validateProbe(probe, `${at}.${name}`, errors);
    if (name !== 'readinessProbe' && probe.successThreshold !== 1) {
      errors.invalid(`${at}.${name}.successThreshold`, probe.successThreshold, 'must be 1');
    }
  }
}

function validateProbe(probe: Probe, at: string, errors: FieldErrors): void {
  validateHandler(probe, at, errors);
  checkNonNegative(`${at}.initialDelaySeconds`, probe.initialDelaySeconds, errors);
  checkNonNegative(`${at}.timeoutSeconds`, probe.timeoutSeconds, errors);
  checkNonNegative(`${at}.periodSeconds`, probe.periodSeconds, errors);
  checkNonNegative(`${at}.successThreshold`, probe.successThreshold, errors);
  checkNonNegative(`${at}.failureThreshold`, probe.failureThreshold, errors);
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & Pick<LifecycleHandler, 'sleep'>;

function validateHandler(handler: Handler, at: string, errors: FieldErrors): void {
  const given = handlers.filter((name) => handler[name] !== undefined);
  const [first, ...more] = given;
  if (first === undefined) errors.required(at, 'must specify a handler type');
  if (first === 'exec' && !handler.exec?.command?.length) errors.required(`${at}.exec.command`);
  if (first === 'httpGet' && handler.httpGet) {
    validatePortNumberOrName(handler.httpGet.port, `${at}.httpGet.port`, errors);
    checkOneOf(`${at}.httpGet.scheme`, handler.httpGet.scheme, ['HTTP', 'HTTPS'], errors);
  }
  if (first === 'tcpSocket' && handler.tcpSocket) {
    validatePortNumberOrName(handler.tcpSocket.port, `${at}.tcpSocket.port`, errors);
  }
  if (first === 'grpc' && handler.grpc) checkPort(`${at}.grpc.port`, handler.grpc.port, errors);
  for (const name of more) errors.forbidden(`${at}.${name}`, 'may not specify more than 1 handler type');
}

export function validatePortNumberOrName(port: number | string | undefined, at: string, errors: FieldErrors): void {
  if (typeof port === 'string') errors.rule(at, port, validatePortName(port));
  else checkPort(at, port ?? 0, errors);
}

function validatePorts({ ports = [] }: Container, at: string, errors: FieldErrors): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const here = `${at}[${index}]`;
    if (port.name) {
      const sentences = validatePortName(port.name);
      errors.rule(`${here}.name`, port.name, sentences);
      if (sentences.length === 0 && names.has(port.name)) errors.duplicate(`${here}.name`, port.name);
      names.add(port.name);
    }
    if (!port.containerPort) errors.required(`${here}.containerPort`);
    else checkPort(`${here}.containerPort`, port.containerPort, errors);
    if (port.hostPort) checkPort(`${here}.hostPort`, port.hostPort, errors);
    checkOneOf(`${here}.protocol`, port.protocol, ['SCTP', 'TCP', 'UDP'], errors);
  });
}

const fieldPaths = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]);

function validateEnv({ name, value, valueFrom }: EnvVar, at: string, errors: FieldErrors): void {
  if (!name) errors.required(`${at}.name`);
  else if (/[^ -~]|=/.test(name)) {
    errors.invalid(
      `${at}.name`,
      name,
      "a valid environment variable name must consist only of printable ASCII characters other than '='",
    );
  }
  if (!valueFrom) return;
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const count = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((each) => each).length;
  if (fieldRef) {
    const path = fieldRef.fieldPath;
    if (!path) errors.required(`${at}.valueFrom.fieldRef.fieldPath`);
    else if (!fieldPaths.has(path) && !/^metadata\.(annotations|labels)\['.+'\]$/.test(path)) {
      errors.invalid(
        `${at}.valueFrom.fieldRef.fieldPath`,
        path,
        `error converting fieldPath: field label not supported: ${path}`,
      );
    }
  }
  if (resourceFieldRef && !resourceFieldRef.resource) errors.required(`${at}.valueFrom.resourceFieldRef.resource`);
  for (const [kind, ref] of [
    ['configMapKeyRef', configMapKeyRef],
    ['secretKeyRef', secretKeyRef],
  ] as const) {
    if (!ref) continue;
    errors.rule(`${at}.valueFrom.${kind}.name`, ref.name ?? '', validateDnsSubdomain(ref.name ?? ''));
    if (!ref.key) errors.required(`${at}.valueFrom.${kind}.key`);
  }
  if (count === 0) {
    errors.invalid(
      `${at}.valueFrom`,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  } else if (value) errors.invalid(`${at}.valueFrom`, '', 'may not be specified when `value` is not empty');
  else if (count > 1) errors.invalid(`${at}.valueFrom`, '', 'may not have more than one field specified at a time');
}

function validateMounts(
  { volumeMounts = [] }: Container,
  at: string,
  scope: ContainerScope,
  errors: FieldErrors,
): void {
  const paths = new Set<string>();
  volumeMounts.forEach((mount, index) => {
    const here = `${at}[${index}]`;
    if (!mount.name) errors.required(`${here}.name`);
    if (!scope.volumes.has(mount.name)) errors.notFound(`${here}.name`, mount.name);
    if (!mount.mountPath) errors.required(`${here}.mountPath`);
    else if (paths.has(mount.mountPath)) errors.invalid(`${here}.mountPath`, mount.mountPath, 'must be unique');
    paths.add(mount.mountPath);
    for (const name of ['subPath', 'subPathExpr'] as const) {
      const path = mount[name];
      if (!path) continue;
      if (path.startsWith('/')) errors.invalid(`${at}.${name}`, path, 'must be a relative path');
      if (path.split('/').includes('..')) errors.invalid(`${at}.${name}`, path, "must not contain '..'");
    }
  });
}

export function validateResources(
  { requests = {}, limits = {} }: ResourceRequirements,
  at: string,
  errors: FieldErrors,
): void {
  for (const [name, value] of Object.entries(limits)) validateResource(name, value, `${at}.limits[${name}]`, errors);
  for (const [name, value] of Object.entries(requests)) {
    validateResource(name, value, `${at}.requests[${name}]`, errors);
    const limit = limits[name];
    if (limit !== undefined && compareQuantity(value, limit) > 0) {
      errors.invalid(`${at}.requests`, value, `must be less than or equal to ${name} limit of ${limit}`);
    } else if (limit !== undefined && isExtended(name) && compareQuantity(value, limit) !== 0) {
      errors.invalid(`${at}.requests`, value, `must be equal to ${name} limit of ${limit}`);
    } else if (limit === undefined && isExtended(name)) {
      errors.required(`${at}.limits`, 'Limit must be set for non overcommitable resources');
    }
  }
}

const isExtended = (name: string) => name.includes('/') || name.startsWith('hugepages-');

function validateResource(name: string, value: string, at: string, errors: FieldErrors): void {
  if (!name.includes('/') && !standard.has(name) && !name.startsWith('hugepages-')) {
    errors.invalid(at, name, 'must be a standard resource type or fully qualified');
    errors.invalid(at, name, 'must be a standard resource for containers');
  }
  if (compareQuantity(value, zeroQuantity) < 0) errors.invalid(at, value, 'must be greater than or equal to 0');
  else if (isExtended(name) && compareQuantity(String(quantityValue(value)), value) !== 0) {
    errors.invalid(at, value, 'must be an integer');
  }
}

function validateSecurity({ securityContext: context }: Container, at: string, errors: FieldErrors): void {
  if (!context) return;
  for (const name of ['runAsUser', 'runAsGroup'] as const) {
    const id = context[name];
    if (id !== undefined) checkRange(`${at}.${name}`, id, 0, 2147483647, errors);
  }
  if (context.privileged && context.allowPrivilegeEscalation === false) {
    errors.invalid(at, inGo(context), 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
  }
}

const contextFields = [
  'capabilities',
  'privileged',
  'seLinuxOptions',
  'windowsOptions',
  'runAsUser',
  'runAsGroup',
  'runAsNonRoot',
  'readOnlyRootFilesystem',
  'allowPrivilegeEscalation',
  'procMount',
  'seccompProfile',
  'appArmorProfile',
] as const;

/** Kubernetes prints its own struct here, with the names of Go and every field. */
function inGo(context: SecurityContext): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    contextFields.map((each) => [
      each === 'seLinuxOptions' ? 'SELinuxOptions' : (each[0] ?? '').toUpperCase() + each.slice(1),
      context[each] ?? null,
    ]),
  );
}
