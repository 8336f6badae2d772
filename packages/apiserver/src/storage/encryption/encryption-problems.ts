import { parseGroupResource } from './encryption-rules.ts';
import type { EncryptionConfig, ProviderConfig } from './encryption-schema.ts';

type Keys = NonNullable<ProviderConfig['aesgcm']>['keys'];
type Kms = NonNullable<ProviderConfig['kms']>;

const required = (path: string, what: string) => `${path}: Required value: ${what}`;
const invalid = (path: string, value: unknown, why: string) =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`;

const aesKeySizes = [16, 24, 32];
const secretboxKeySizes = [32];

/** What is wrong with an encryption configuration, in Kubernetes' words and order. No secret is among them. */
export function encryptionProblems({ resources }: EncryptionConfig): readonly string[] {
  if (resources.length === 0) return [required('resources', 'at least one resources is required')];
  const kmsNames = new Set<string>();
  const problems = resources.flatMap(({ resources: names, providers }, index) => {
    const namesAt = `resources[${index}].resources`;
    const providersAt = `resources[${index}].providers`;
    return [
      ...(names.length === 0 ? [required(namesAt, `at least one ${namesAt} is required`)] : []),
      ...overlaps(names, namesAt),
      ...names.flatMap((each, at) => nameProblems(each, `${namesAt}[${at}]`)),
      ...(providers.length === 0 ? [required(providersAt, `at least one ${providersAt} is required`)] : []),
      ...providers.flatMap((each, at) => providerProblems(each, `${providersAt}[${at}]`, kmsNames)),
    ];
  });
  return problems.length > 0 ? problems : masked(resources);
}

function overlaps(names: readonly string[], path: string): string[] {
  const parsed = names.map(parseGroupResource);
  let duplicate = false;
  let overlap = false;
  for (const [i, one] of parsed.entries()) {
    for (const [j, other] of parsed.entries()) {
      if (i === j) continue;
      const same = one.group === other.group && one.resource === other.resource;
      // The first pair of equal ones is no overlap; what comes after it is.
      if (same && !duplicate) duplicate = true;
      else if (one.group === '*' && one.resource === '*') overlap = true;
      else if (one.group === other.group && (one.resource === '*' || other.resource === '*')) overlap = true;
    }
  }
  return [
    ...(duplicate ? [invalid(path, names, 'the same resource cannot be specified multiple times')] : []),
    ...(overlap
      ? [
          invalid(
            path,
            names,
            "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
          ),
        ]
      : []),
  ];
}

const withoutApi: ReadonlySet<string> = new Set([
  'apiserveripinfo',
  'serviceipallocations',
  'servicenodeportallocations',
]);

function nameProblems(name: string, path: string): string[] {
  const { group, resource } = parseGroupResource(name);
  const problem =
    name.toLowerCase() !== name
      ? 'resource name should not contain capital letters'
      : name === '*'
        ? "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
        : withoutApi.has(name)
          ? 'resources which do not have REST API/s cannot be encrypted'
          : group === 'events.k8s.io'
            ? "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file"
            : group === 'extensions'
              ? "'extensions' group has been removed and cannot be used for encryption"
              : group === '*' && resource !== '*'
                ? 'encrypting the same resource across groups is not supported'
                : undefined;
  return problem === undefined ? [] : [invalid(path, name, problem)];
}

function providerProblems(provider: ProviderConfig, path: string, kmsNames: Set<string>): string[] {
  const given = Object.keys(provider);
  const problems: string[] = [];
  if (given.length === 0) {
    const names = 'KMS, AESGCM, AESCBC, Secretbox, Identity';
    problems.push(invalid(path, given, `provider does not contain any of the expected providers: ${names}`));
  }
  if (given.length > 1) {
    const why = 'more than one provider specified in a single element, should split into different list elements';
    problems.push(invalid(path, given, why));
  }
  const { kms, aesgcm, aescbc, secretbox } = provider;
  if (kms) {
    problems.push(...kmsProblems(kms, `${path}.kms`, kmsNames));
    kmsNames.add(kms.name);
  } else if (aesgcm) problems.push(...keyProblems(aesgcm.keys, `${path}.aesgcm.keys`, aesKeySizes));
  else if (aescbc) problems.push(...keyProblems(aescbc.keys, `${path}.aescbc.keys`, aesKeySizes));
  else if (secretbox) problems.push(...keyProblems(secretbox.keys, `${path}.secretbox.keys`, secretboxKeySizes));
  return problems;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function keyProblems(keys: Keys, path: string, sizes: readonly number[]): string[] {
  if (keys.length === 0) return [required(path, 'at least one keys is required')];
  return keys.flatMap(({ name, secret }, index) => {
    const at = `${path}[${index}]`;
    const problems = name === '' ? [required(`${at}.name`, 'name is a mandatory field for a key')] : [];
    // Lines may be broken in it.
    const joined = secret.replace(/[\r\n]/g, '');
    if (secret === '') problems.push(required(`${at}.secret`, 'secret is a mandatory field for a key'));
    else if (!base64.test(joined)) problems.push(invalid(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded'));
    else {
      const { length } = Buffer.from(joined, 'base64');
      if (!sizes.includes(length)) {
        const why = `secret is not of the expected length, got ${length}, expected one of [${sizes.join(' ')}]`;
        problems.push(invalid(`${at}.secret`, 'REDACTED', why));
      }
    }
    return problems;
  });
}

function kmsProblems(
  { apiVersion, name, timeout, endpoint, cachesize }: Kms,
  path: string,
  names: ReadonlySet<string>,
) {
  const problems: string[] = [];
  if (name === '') problems.push(required(`${path}.name`, 'name is a mandatory field for a provider'));
  if (apiVersion !== 'v1' && name.includes(':')) {
    problems.push(invalid(`${path}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`));
  }
  if (names.has(name)) {
    problems.push(invalid(`${path}.name`, name, `duplicate KMS provider name ${name}, names must be unique`));
  }
  if (timeout <= 0)
    problems.push(invalid(`${path}.timeout`, `${timeout / 1000}s`, 'timeout should be a positive value'));
  if (endpoint === '') problems.push(invalid(`${path}.endpoint`, '', 'endpoint is a mandatory field for a kms'));
  else if (!endpoint.startsWith('unix:')) {
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(endpoint)?.[1]?.toLowerCase() ?? '';
    const why = `unsupported scheme ${JSON.stringify(scheme)} for KMS provider, only unix is supported`;
    problems.push(invalid(`${path}.endpoint`, endpoint, why));
  }
  if (apiVersion !== 'v1' && cachesize !== undefined) {
    problems.push(`${path}.cachesize: Invalid value: ${cachesize}: cachesize is not supported in v2`);
  }
  if (apiVersion !== 'v1' && apiVersion !== 'v2') {
    const why = 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported';
    problems.push(invalid(`${path}.apiVersion`, apiVersion, why));
  }
  if (apiVersion === 'v1' && problems.length === 0) {
    problems.push('KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.');
  }
  return problems;
}

/** A rule for all of a group leaves nothing to those behind it. */
function masked(entries: EncryptionConfig['resources']): string[] {
  const seen = new Set<string>();
  for (const { resources } of entries) {
    for (const each of resources) {
      const { group, resource } = parseGroupResource(each);
      const shown = group === '' && resource !== '*' ? resource : each;
      for (const earlier of [`*.${group}`, '*.*']) {
        if (!seen.has(earlier)) continue;
        return [`error while building transformers: resource "${shown}" is masked by earlier rule "${earlier}"`];
      }
      seen.add(`${resource}.${group}`);
    }
  }
  return [];
}
