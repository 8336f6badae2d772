import type { ConfigMap, Container, EnvFromSource, EnvVarSource, Pod, Secret } from '@keelson/core/api';
import { isStatusError } from '@keelson/core/machinery';
import type { NodeAllocatable } from '../containers/resources.ts';
import { containerResourceValue } from '../containers/resources.ts';
import { findContainer } from '../pods/pod-facts.ts';
import { expand } from './expand.ts';
import { type PodAddresses, podFieldValue } from './field-path.ts';

/** Reads of the objects that pods refer to; rejects with a `NotFound` StatusError. */
export interface ReferencedObjects {
  secret(namespace: string, name: string, signal: AbortSignal): Promise<Secret>;
  configMap(namespace: string, name: string, signal: AbortSignal): Promise<ConfigMap>;
}

export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly addresses: PodAddresses;
  readonly allocatable: NodeAllocatable;
  readonly serviceVariables: ReadonlyMap<string, string>;
  readonly objects: ReferencedObjects;
}

/**
 * The environment of one container, in the order Kubernetes gives it: `envFrom`, `env` (each may use those before it),
 * then service variables that nobody named. Throws with the message of a `CreateContainerConfigError`.
 */
export async function containerEnvironment(
  input: EnvironmentInput,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const { container } = input;
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    for (const [key, value] of await fromSource(source, input, signal)) result.set(key, value);
  }
  const known = new Map([...input.serviceVariables, ...result]);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom
      ? await valueFrom(variable.valueFrom, input, signal)
      : expand(variable.value ?? '', (name) => known.get(name));
    if (value === undefined) continue;
    known.set(variable.name, value);
    result.set(variable.name, value);
  }
  for (const [key, value] of input.serviceVariables) if (!result.has(key)) result.set(key, value);
  return result;
}

async function fromSource(
  source: EnvFromSource,
  input: EnvironmentInput,
  signal: AbortSignal,
): Promise<readonly (readonly [string, string])[]> {
  const prefix = source.prefix ?? '';
  const namespace = input.pod.metadata.namespace ?? '';
  if (source.configMapRef) {
    const { name = '', optional } = source.configMapRef;
    const map = await unlessOptional(optional, readConfigMap(input.objects, namespace, name, signal));
    return Object.entries(map?.data ?? {}).map(([key, value]) => [`${prefix}${key}`, value] as const);
  }
  if (source.secretRef) {
    const { name = '', optional } = source.secretRef;
    const secret = await unlessOptional(optional, readSecret(input.objects, namespace, name, signal));
    return Object.entries(secret?.data ?? {}).map(([key, value]) => [`${prefix}${key}`, decode(value)] as const);
  }
  return [];
}

async function valueFrom(
  source: EnvVarSource,
  input: EnvironmentInput,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { pod, container } = input;
  const namespace = pod.metadata.namespace ?? '';
  if (source.fieldRef) return podFieldValue(pod, source.fieldRef.fieldPath, input.addresses);
  if (source.resourceFieldRef) {
    const { containerName } = source.resourceFieldRef;
    const other = containerName ? findContainer(pod, containerName) : container;
    if (other === undefined) throw new Error(`container ${containerName} not found`);
    return containerResourceValue(other, source.resourceFieldRef, input.allocatable);
  }
  if (source.configMapKeyRef) {
    const { name = '', key, optional } = source.configMapKeyRef;
    const map = await unlessOptional(optional, readConfigMap(input.objects, namespace, name, signal));
    const value = map?.data?.[key];
    if (value === undefined && optional !== true) {
      throw new Error(`couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    }
    return value;
  }
  if (source.secretKeyRef) {
    const { name = '', key, optional } = source.secretKeyRef;
    const secret = await unlessOptional(optional, readSecret(input.objects, namespace, name, signal));
    const value = secret?.data?.[key];
    if (value === undefined && optional !== true) {
      throw new Error(`couldn't find key ${key} in Secret ${namespace}/${name}`);
    }
    return value === undefined ? undefined : decode(value);
  }
  return undefined;
}

const decode = (base64: string) => Buffer.from(base64, 'base64').toString('utf8');

async function unlessOptional<T>(optional: boolean | undefined, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (optional === true && isMissing(error)) return undefined;
    throw error;
  }
}

/** A referred object that is not there, under the words that a kubelet uses for it: `secret "x" not found`. */
export class MissingObjectError extends Error {
  override readonly name = 'MissingObjectError';
}

export function isMissing(error: unknown): boolean {
  return error instanceof MissingObjectError;
}

export async function readSecret(
  objects: ReferencedObjects,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<Secret> {
  try {
    return await objects.secret(namespace, name, signal);
  } catch (error) {
    if (isStatusError(error, 'NotFound')) throw new MissingObjectError(`secret "${name}" not found`);
    throw error;
  }
}

export async function readConfigMap(
  objects: ReferencedObjects,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<ConfigMap> {
  try {
    return await objects.configMap(namespace, name, signal);
  } catch (error) {
    if (isStatusError(error, 'NotFound')) throw new MissingObjectError(`configmap "${name}" not found`);
    throw error;
  }
}
