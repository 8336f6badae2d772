import {
  type KubernetesObject,
  type ResourceType,
  validateDns1035Label,
  validateDnsSubdomain,
  validateQualifiedName,
} from '@keelson/core';
import { hollowMember } from '../../../schema/index.ts';
import { type FieldErrors, strategyFor } from '../../strategy.ts';
import { resetMetadata } from '../reset-metadata.ts';

interface ServerStorageVersion {
  readonly apiServerID?: string;
  readonly encodingVersion?: string;
  readonly decodableVersions?: readonly string[];
  readonly servedVersions?: readonly string[];
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** Which version each API server writes (KEP-2339). */
interface StorageVersion extends KubernetesObject {
  readonly status?: {
    readonly storageVersions?: readonly ServerStorageVersion[];
    readonly commonEncodingVersion?: string;
    readonly conditions?: readonly Condition[];
  };
}

const type: ResourceType<StorageVersion> = {
  group: 'internal.apiserver.k8s.io',
  version: 'v1alpha1',
  kind: 'StorageVersion',
  plural: 'storageversions',
  namespaced: false,
};

const notAVersion =
  "an apiVersion is a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')";

function versionFindings(text: string): string[] {
  const parts = text.split('/');
  if (parts.length > 2) return [notAVersion];
  const version = parts.at(-1) ?? '';
  const found: string[] = [];
  if (parts.length === 2) {
    const group = parts[0] ?? '';
    if (group === '') found.push('group part: must be non-empty');
    else found.push(...validateDnsSubdomain(group).map((each) => `group part: ${each}`));
  }
  if (version === '') found.push('version part: must be non-empty');
  else found.push(...validateDns1035Label(version).map((each) => `version part: ${each}`));
  return found;
}

function checkServer(server: ServerStorageVersion, at: string, errors: FieldErrors): void {
  const { apiServerID = '', encodingVersion = '', decodableVersions, servedVersions } = server;
  errors.rule(`${at}.apiServerID`, apiServerID, validateDnsSubdomain(apiServerID));
  const decodable = decodableVersions ?? [];
  errors.rule(`${at}.encodingVersion`, encodingVersion, versionFindings(encodingVersion));
  decodable.forEach(
    (each, index) => void errors.rule(`${at}.decodableVersions[${index}]`, each, versionFindings(each)),
  );
  if (!decodable.includes(encodingVersion)) {
    errors.invalid(
      `${at}.decodableVersions`,
      decodableVersions ?? hollowMember(server, 'decodableVersions') ?? null,
      `decodableVersions must include encodingVersion ${encodingVersion}`,
    );
  }
  (servedVersions ?? []).forEach((each, index) => {
    const here = `${at}.servedVersions[${index}]`;
    errors.rule(here, each, versionFindings(each));
    if (!decodable.includes(each)) {
      errors.invalid(
        here,
        each,
        `individual served version : ${each} must be included in decodableVersions : [${decodable.join(' ')}]`,
      );
    }
  });
}

function checkCommon(servers: readonly ServerStorageVersion[], common: string | undefined, errors: FieldErrors): void {
  const at = 'status.commonEncodingVersion';
  const [first, ...others] = servers.map((each) => each.encodingVersion ?? '');
  const agreed = first !== undefined && others.every((each) => each === first) ? first : undefined;
  if (agreed === undefined && common !== undefined) {
    const why =
      'should be nil if servers do not agree on the same encoding version, or if there is no server reporting the supported versions yet';
    errors.invalid(at, common, why);
  } else if (agreed !== undefined && common === undefined) {
    errors.invalid(at, null, `the common encoding version is ${agreed}`);
  } else if (common !== agreed) errors.invalid(at, common, `the actual common encoding version is ${agreed}`);
}

function checkConditions(conditions: readonly Condition[], errors: FieldErrors): void {
  const first = new Map<string, number>();
  conditions.forEach(({ type: kind = '', status = '', reason = '', message = '' }, index) => {
    const at = `status[${index}]`;
    const before = first.get(kind);
    if (before !== undefined) {
      errors.invalid(
        `${at}.type`,
        kind,
        `the type of the condition is not unique, it also appears in conditions[${before}]`,
      );
    }
    first.set(kind, index);
    errors.rule(`${at}.type`, kind, validateQualifiedName(kind));
    errors.rule(`${at}.status`, status, validateQualifiedName(status));
    if (reason === '') errors.required(`${at}.reason`);
    if (message === '') errors.required(`${at}.message`);
  });
}

export const storageVersion = strategyFor(type, {
  unconditionalUpdate: false,
  nameRule(name) {
    const dot = name.lastIndexOf('.');
    const wrong = validateDnsSubdomain(name.slice(0, Math.max(dot, 0)));
    if (dot < 0) return ['name must be in the form of <group>.<resource>'];
    return [
      ...wrong.map((each) => `the group segment ${each}`),
      ...validateDns1035Label(name.slice(dot + 1)).map((each) => `the resource segment ${each}`),
    ];
  },
  prepareStatusUpdate: (object, old) => resetMetadata(object, old),
  validateStatusUpdate({ status = {} }, _old, errors) {
    const servers = status.storageVersions ?? [];
    const seen = new Set<string>();
    servers.forEach((each, index) => {
      const at = `status.storageVersions[${index}]`;
      const id = each.apiServerID ?? '';
      if (seen.has(id)) errors.duplicate(`${at}.apiServerID`, id);
      seen.add(id);
      checkServer(each, at, errors);
    });
    checkCommon(servers, status.commonEncodingVersion, errors);
    checkConditions(status.conditions ?? [], errors);
  },
});
