import {
  type ConfigMapKeySelector,
  type EnvFromSource,
  type EnvVar,
  type FileKeySelector,
  formatQuantity,
  type ObjectFieldSelector,
  type ResourceFieldSelector,
  validateConfigMapKey,
  validateDnsLabel,
  validateDnsSubdomain,
  validateQualifiedName,
} from '@keelson/core';
import type { FieldErrors } from '../../strategy.ts';
import { checkNoBacksteps } from '../checks.ts';

const environmentFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];

export const volumeFields = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

const knownFields = new Set([...environmentFields, ...volumeFields, 'spec.restartPolicy', 'spec.schedulerName']);

export const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];

const badName = /[^ -~]|=/;

export function checkEnvironmentName(name: string, at: string, errors: FieldErrors): void {
  if (badName.test(name)) {
    const why = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    errors.invalid(at, name, why);
  }
}

export function validateEnvironment(env: readonly EnvVar[] | undefined, at: string, errors: FieldErrors): void {
  env?.forEach((each, index) => {
    const here = `${at}[${index}]`;
    if (!each.name) errors.required(`${here}.name`);
    else checkEnvironmentName(each.name, `${here}.name`, errors);
    if (each.valueFrom) validateEnvironmentSource(each, `${here}.valueFrom`, errors);
  });
}

function validateEnvironmentSource({ value, valueFrom = {} }: EnvVar, at: string, errors: FieldErrors): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  let count = 0;
  if (fieldRef) {
    count++;
    validateFieldRef(fieldRef, environmentFields, `${at}.fieldRef`, errors);
  }
  if (resourceFieldRef) {
    count++;
    validateResourceFieldRef(resourceFieldRef, false, `${at}.resourceFieldRef`, errors);
  }
  if (configMapKeyRef) {
    count++;
    validateKeyRef(configMapKeyRef, `${at}.configMapKeyRef`, errors);
  }
  if (secretKeyRef) {
    count++;
    validateKeyRef(secretKeyRef, `${at}.secretKeyRef`, errors);
  }
  if (fileKeyRef) {
    count++;
    validateFileRef(fileKeyRef, `${at}.fileKeyRef`, errors);
  }
  if (count === 0) {
    errors.invalid(
      at,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  } else if (value) errors.invalid(at, '', 'may not be specified when `value` is not empty');
  else if (count > 1) errors.invalid(at, '', 'may not have more than one field specified at a time');
}

/** Where a subscript names one label or annotation. */
function splitSubscript(path: string): readonly [path: string, subscript: string | undefined] {
  const match = /^(.*)\['([\s\S]*)'\]$/.exec(path);
  return match ? [match[1] ?? '', match[2]] : [path, undefined];
}

/** What a downward API reference to a field of the pod may say. `fields`: those that may stand without subscript. */
export function validateFieldRef(
  { apiVersion, fieldPath }: ObjectFieldSelector,
  fields: readonly string[],
  at: string,
  errors: FieldErrors,
): void {
  if (!apiVersion) {
    errors.required(`${at}.apiVersion`);
    return;
  }
  if (!fieldPath) {
    errors.required(`${at}.fieldPath`);
    return;
  }
  const [path, subscript] = splitSubscript(fieldPath);
  const bad = (why: string) => errors.invalid(`${at}.fieldPath`, fieldPath, `error converting fieldPath: ${why}`);
  if (apiVersion !== 'v1') {
    bad(`unsupported pod version: ${apiVersion}`);
    return;
  }
  if (subscript !== undefined) {
    if (path === 'metadata.annotations') {
      const sentences = validateQualifiedName(subscript.toLowerCase());
      errors.rule(at, subscript, sentences);
    } else if (path === 'metadata.labels') errors.rule(at, subscript, validateQualifiedName(subscript));
    else bad(`field label does not support subscript: ${fieldPath}`);
    return;
  }
  if (!knownFields.has(path)) {
    bad(`field label not supported: ${fieldPath}`);
    return;
  }
  if (!fields.includes(path)) errors.notSupported(`${at}.fieldPath`, fieldPath, fields);
}

const cpuDivisors = ['1m', '1'];
const sizeDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei'];

const divisorsOf = (resource: string): readonly [readonly string[], string] | undefined => {
  const name = resource.slice(resource.indexOf('.') + 1);
  if (name === 'cpu') return [cpuDivisors, "only divisor's values 1m and 1 are supported with the cpu resource"];
  const kind = name === 'memory' ? 'memory' : name === 'ephemeral-storage' ? 'local ephemeral storage' : 'hugepages';
  if (name !== 'memory' && name !== 'ephemeral-storage' && !name.startsWith('hugepages-')) return undefined;
  return [sizeDivisors, `only divisor's values ${sizeDivisors.join(', ')} are supported with the ${kind} resource`];
};

/** What a downward API reference to a container's resources may say; volumes must name the container. */
export function validateResourceFieldRef(
  { containerName, resource, divisor }: ResourceFieldSelector,
  inVolume: boolean,
  at: string,
  errors: FieldErrors,
): void {
  if (inVolume && !containerName) {
    errors.required(`${at}.containerName`);
    return;
  }
  if (!resource) {
    errors.required(`${at}.resource`);
    return;
  }
  const hugePages = /^(?:limits|requests)\.hugepages-/.test(resource);
  if (!hugePages && !resourceFields.includes(resource)) {
    errors.notSupported(`${at}.resource`, resource, resourceFields);
    return;
  }
  const known = divisorsOf(resource);
  const text = divisor === undefined ? '0' : formatQuantity(divisor);
  if (known && text !== '0' && !known[0].includes(text)) errors.invalid(`${at}.divisor`, resource, known[1]);
}

function validateKeyRef({ name = '', key }: ConfigMapKeySelector, at: string, errors: FieldErrors): void {
  errors.rule(`${at}.name`, name, validateDnsSubdomain(name));
  if (!key) errors.required(`${at}.key`);
  else errors.rule(`${at}.key`, key, validateConfigMapKey(key));
}

function validateFileRef({ key, volumeName, path }: FileKeySelector, at: string, errors: FieldErrors): void {
  if (!key) errors.required(`${at}.key`);
  else checkEnvironmentName(key, `${at}.key`, errors);
  if (!volumeName) errors.required(`${at}.volumeName`);
  else errors.rule(`${at}.volumeName`, volumeName, validateDnsLabel(volumeName));
  if (!path) errors.required(`${at}.path`);
  else checkNoBacksteps(path, `${at}.path`, errors);
}

export function validateEnvironmentSources(
  sources: readonly EnvFromSource[] | undefined,
  at: string,
  errors: FieldErrors,
): void {
  sources?.forEach(({ prefix, configMapRef, secretRef }, index) => {
    const here = `${at}[${index}]`;
    if (prefix) checkEnvironmentName(prefix, `${here}.prefix`, errors);
    for (const [name, ref] of [
      ['configMapRef', configMapRef],
      ['secretRef', secretRef],
    ] as const) {
      if (!ref) continue;
      if (!ref.name) errors.required(`${here}.${name}.name`);
      else errors.rule(`${here}.${name}.name`, ref.name, validateDnsSubdomain(ref.name));
    }
    if (!configMapRef && !secretRef) errors.invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (configMapRef && secretRef) errors.invalid(at, '', 'may not have more than one field specified at a time');
  });
}
