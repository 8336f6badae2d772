import type { ObjectMeta } from '@keelson/core';
import { goTypesJson } from '../../schema/generated/go-types.ts';
import { inGoOrder } from '../../schema/go-order.ts';
import { definitions, hollowMember } from '../../schema/index.ts';
import { inGo } from './go-internal.ts';

type Print = (value: unknown) => unknown;

let tables: Readonly<Record<string, string>> | undefined;
const printers = new Map<string, Print>();

/** Words that Go writes in capitals, where they are not simply the name with its first letter raised. */
const words: Readonly<Record<string, string>> = {
  apiGroup: 'APIGroup',
  apiGroups: 'APIGroups',
  apiVersion: 'APIVersion',
  apiVersions: 'APIVersions',
  awsElasticBlockStore: 'AWSElasticBlockStore',
  caBundle: 'CABundle',
  cel: 'CEL',
  cidr: 'CIDR',
  cidrs: 'CIDRs',
  csi: 'CSI',
  gcePersistentDisk: 'GCEPersistentDisk',
  http: 'HTTP',
  ip: 'IP',
  ipBlock: 'IPBlock',
  ips: 'IPs',
  iscsi: 'ISCSI',
  jsonPatch: 'JSONPatch',
  jsonPath: 'JSONPath',
  nfs: 'NFS',
  fc: 'FC',
  rbd: 'RBD',
  cephfs: 'CephFS',
  scaleIO: 'ScaleIO',
  storageos: 'StorageOS',
  tls: 'TLS',
  uid: 'UID',
  url: 'URL',
};

const goName = (field: string) => {
  // Of an embedded struct: `PersistentVolumeSource/csi`.
  const name = field.slice(field.lastIndexOf('/') + 1);
  return words[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
};

/**
 * A value of a definition as error messages show it: Kubernetes validates types of its own that have no JSON names, so
 * that their fields appear as Go calls them, in Go's order, all of them.
 */
export function goValue(definition: string, value: unknown): unknown {
  return printerOf(definition)(value);
}

/** A list of such values. */
export function goValues(definition: string, values: readonly unknown[] | undefined): unknown {
  return values ? values.map(printerOf(definition)) : null;
}

function printerOf(definition: string): Print {
  const known = printers.get(definition);
  if (known) return known;
  // Definitions may be recursive.
  let made: Print | undefined;
  const late: Print = (value) => {
    made ??= compile(definition);
    return made(value);
  };
  printers.set(definition, late);
  return late;
}

const core = 'io.k8s.api.core.v1.';
const machinery = 'io.k8s.apimachinery.';

const asIs: Print = (value) => value ?? null;
const amount: Print = (value) => value ?? 0;
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function compile(definition: string): Print {
  if (definition.startsWith(core)) {
    const type = definition.slice(core.length);
    return (value) => (isRecord(value) ? inGo(type, value) : (value ?? null));
  }
  if (definition.startsWith(machinery)) return (value) => inGoOrder(definition, value ?? null);
  tables ??= JSON.parse(goTypesJson) as Readonly<Record<string, string>>;
  const table = tables[definition];
  const { properties } = definitions()[definition] ?? {};
  if (table === undefined || !properties) return asIs;
  const fields = table.split('; ').map((each) => {
    const [field = '', type = ''] = each.split(' ');
    const name = field.slice(field.lastIndexOf('/') + 1);
    // Go's JSON puts the fields of embedded structs into the one around them: metadata, kind and apiVersion are such.
    const embedded = type === 'v1.ObjectMeta' && name === 'metadata';
    const print = plainAmounts.has(definition) ? amount : printerFor(type, properties[name] ?? {});
    return { name, embedded, shown: goName(name), print };
  });
  return (value) => {
    if (!isRecord(value)) return value ?? null;
    const shown: Record<string, unknown> = {};
    for (const { name, embedded, shown: as, print } of fields) {
      if (embedded) Object.assign(shown, print(value[name] ?? {}));
      else shown[as] = print(value[name] ?? hollowMember(value, name));
    }
    return shown;
  };
}

/** Amounts that are pointers on the wire, and none internally: 0 where they are not given. */
const plainAmounts: ReadonlySet<string> = new Set([
  'io.k8s.api.apps.v1.RollingUpdateDeployment',
  'io.k8s.api.apps.v1.RollingUpdateDaemonSet',
]);

const sortedEntries = (value: Readonly<Record<string, unknown>>) =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));

interface Property {
  readonly ref?: string;
  readonly items?: Property;
  readonly additionalProperties?: Property | boolean;
}

function printerFor(type: string, property: Property): Print {
  if (type.startsWith('*')) {
    const inner = printerFor(type.slice(1), property);
    return (value) => (value === undefined || value === null ? null : inner(value));
  }
  if (type.startsWith('[]')) {
    const inner = property.items?.ref ? printerOf(property.items.ref) : asIs;
    return (value) => (Array.isArray(value) ? value.map(inner) : (value ?? null));
  }
  if (type.startsWith('map[')) {
    const of = property.additionalProperties;
    const inner = typeof of === 'object' && of.ref ? printerOf(of.ref) : asIs;
    return (value) =>
      isRecord(value) ? Object.fromEntries(sortedEntries(value).map(([key, each]) => [key, inner(each)])) : null;
  }
  const scalar = type.slice(type.lastIndexOf('=') + 1);
  if (scalar === 'string') return (value) => value ?? '';
  if (scalar === 'bool') return (value) => value ?? false;
  if (/^u?int|^float/.test(scalar)) return (value) => value ?? 0;
  if (property.ref === undefined) return asIs;
  const inner = printerOf(property.ref);
  const zero = property.ref.startsWith('io.k8s.api.') ? {} : null;
  return (value) => inner(value ?? zero);
}

const labelSelector = 'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector';

/** A label selector as Go writes it. */
export const shownSelector = (selector: unknown): unknown => inGoOrder(labelSelector, selector);

/** The labels of metadata as Go writes them: sorted. */
export function shownLabels(metadata: Pick<ObjectMeta, 'labels'> | undefined): unknown {
  if (!metadata) return null;
  return metadata.labels
    ? Object.fromEntries(sortedEntries(metadata.labels))
    : (hollowMember(metadata, 'labels') ?? null);
}
