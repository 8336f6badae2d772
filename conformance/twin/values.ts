import { isObject, type Json, type JsonObject } from './json.ts';
import { definitions, type FieldSchema, resolve } from './kinds.ts';
import type { Rng } from './rng.ts';

/** Plausible values by the field's name; the first that fits is taken, and one of its values by chance. */
const byName: readonly (readonly [RegExp, readonly Json[]])[] = [
  [/^imagePullPolicy$/, ['Always', 'IfNotPresent', 'Never']],
  [/^restartPolicy$/, ['Always', 'OnFailure', 'Never']],
  [/^dnsPolicy$/, ['ClusterFirst', 'Default', 'None', 'ClusterFirstWithHostNet']],
  [/^protocol$/, ['TCP', 'UDP', 'SCTP']],
  [/^(externalTrafficPolicy|internalTrafficPolicy)$/, ['Cluster', 'Local']],
  [/^sessionAffinity$/, ['None', 'ClientIP']],
  [/^ipFamilyPolicy$/, ['SingleStack', 'PreferDualStack', 'RequireDualStack']],
  [/^ipFamilies$/, [['IPv4'], ['IPv6']]],
  [/^podManagementPolicy$/, ['OrderedReady', 'Parallel']],
  [/^concurrencyPolicy$/, ['Allow', 'Forbid', 'Replace']],
  [/^completionMode$/, ['NonIndexed', 'Indexed']],
  [/^(effect)$/, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']],
  [/^(operator)$/, ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Equal']],
  [/^terminationMessagePolicy$/, ['File', 'FallbackToLogsOnError']],
  [/^(volumeMode)$/, ['Filesystem', 'Block']],
  [/^accessModes$/, [['ReadWriteOnce'], ['ReadOnlyMany'], ['ReadWriteMany'], ['ReadWriteOncePod']]],
  [/^(reclaimPolicy|persistentVolumeReclaimPolicy)$/, ['Retain', 'Delete', 'Recycle']],
  [/^volumeBindingMode$/, ['Immediate', 'WaitForFirstConsumer']],
  [/^(failurePolicy)$/, ['Ignore', 'Fail']],
  [/^matchPolicy$/, ['Exact', 'Equivalent']],
  [/^pathType$/, ['Exact', 'Prefix', 'ImplementationSpecific']],
  [/^policyTypes$/, [['Ingress'], ['Egress'], ['Ingress', 'Egress']]],
  [/^whenUnsatisfiable$/, ['DoNotSchedule', 'ScheduleAnyway']],
  [/^topologyKey$/, ['kubernetes.io/hostname', 'topology.kubernetes.io/zone']],
  [/^preemptionPolicy$/, ['PreemptLowerPriority', 'Never']],
  [/^(whenDeleted|whenScaled)$/, ['Retain', 'Delete']],
  [/^unhealthyPodEvictionPolicy$/, ['IfHealthyBudget', 'AlwaysAllow']],
  [/^fsGroupPolicy$/, ['None', 'File', 'ReadWriteOnceWithFSType']],
  [/^volumeLifecycleModes$/, [['Persistent'], ['Ephemeral']]],
  [/^addressType$/, ['IPv4', 'IPv6', 'FQDN']],
  [/^(podIP|hostIP|ip|clusterIP|loadBalancerIP)$/, ['192.0.2.7', '2001:db8::1']],
  [/^(cidr|podCIDR)$/, ['192.0.2.0/24', '10.0.0.0/8']],
  [/^(port|containerPort|number)$/, [80, 8080]],
  [/^(mountPath|path|terminationMessagePath|workingDir)$/i, ['/x', '/var/y']],
  [/^(host|hostname|subdomain)$/, ['example', 'a-b']],
  [/^schedule$/, ['0 0 * * *', '@hourly']],
  [/^timeZone$/, ['Etc/UTC', 'Europe/Berlin']],
  [/^(image)$/, ['example.com/a:2', 'b']],
  [
    /^(storageClassName|volumeName|serviceName|serviceAccountName|nodeName|claimName|secretName|runtimeClassName)$/,
    ['some-name'],
  ],
  [/^priorityClassName$/, ['', 'system-node-critical']],
  [/^(name|key)$/, ['n1', 'n2', 'c']],
  [/^(apiVersion)$/, ['v1', 'apps/v1']],
  [/^(uid)$/, ['11111111-2222-3333-4444-555555555555']],
  [/^fieldPath$/, ['metadata.name', 'status.podIP']],
  [/^resource$/, ['limits.cpu', 'requests.memory']],
  [/^(url)$/, ['https://example.com/x']],
  [
    /^type$/,
    [
      'ClusterIP',
      'NodePort',
      'LoadBalancer',
      'ExternalName',
      'RuntimeDefault',
      'Unconfined',
      'RollingUpdate',
      'OnDelete',
      'Recreate',
      'Resource',
      'Container',
      'Pod',
      '',
    ],
  ],
  [
    /(Seconds|Replicas|replicas|Limit|completions|parallelism|Threshold|weight|revision|priority|value)$/,
    [1, 2, 10, 30],
  ],
  [/^(runAsUser|runAsGroup|fsGroup)$/, [0, 1000]],
  [/^(messageExpression|valueExpression)$/, ["'a' + 'b'", "'x'"]],
  [/(expression|Expression)$/, ['true', '1 < 2', "'a' == 'b'"]],
  [/^(driver|driverName|provisioner|attacher|controller|signerName)$/, ['d.example.com', 'example.com/x']],
];

const resources: readonly JsonObject[] = [
  { cpu: '100m' },
  { memory: '1Gi', cpu: '1' },
  { 'example.com/device': '2' },
  { 'ephemeral-storage': '1Gi' },
  { storage: '5Gi' },
];
const quantities = ['100m', '1', '1Gi', '0.5', '1500M', '1e3', '0'];
const words = ['a', 'abc', 'x-1', 'example.com/a', 'v1'];

/** A value that fits a field's schema and, as often as not, its rules. */
export function plausible(schema: FieldSchema, name: string, rng: Rng, depth = 0): Json {
  const short = schema.ref?.split('.').at(-1);
  if (short === 'Quantity') return rng.pick(quantities);
  if (short === 'IntOrString') return rng.pick<Json>([1, 0, '25%', '50%', 'http', 80]);
  if (short === 'Time') return '2026-01-02T03:04:05Z';
  if (short === 'MicroTime') return '2026-01-02T03:04:05.000006Z';
  if (short === 'LabelSelector')
    return rng.pick<Json>([
      { matchLabels: { app: 'x' } },
      {},
      { matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] },
      { matchExpressions: [{ key: 'a', operator: 'Exists' }] },
    ]);
  if (short === 'RawExtension' || short === 'JSON') return { a: 1 };
  if (short === 'FieldsV1') return {};
  const type = resolve(schema);
  if (type.additionalProperties) {
    if (type.additionalProperties.ref?.endsWith('Quantity')) return structuredClone(rng.pick(resources));
    return { [rng.pick(['a', 'example.com/b'])]: plausible(type.additionalProperties, 'value', rng, depth + 1) };
  }
  const hint = byName.find(([pattern]) => pattern.test(name));
  const fits = (value: Json) =>
    type.type === 'array'
      ? Array.isArray(value)
      : type.type === 'integer'
        ? typeof value === 'number'
        : typeof value === type.type;
  const hinted = hint?.[1].filter(fits) ?? [];
  if (hinted.length > 0 && rng.bool(0.9)) return structuredClone(rng.pick(hinted));
  switch (type.type) {
    case 'boolean':
      return rng.bool();
    case 'integer':
    case 'number':
      return rng.pick([0, 1, 2, 5, 100]);
    case 'array':
      return Array.from({ length: rng.pick([1, 1, 1, 2]) }, () =>
        plausible(type.items ?? {}, singular(name), rng, depth + 1),
      );
    case 'object':
      return plausibleObject(type, rng, depth);
    default:
      return type.format === 'byte' ? 'Yg==' : type.enum ? rng.pick(type.enum) : rng.pick(words);
  }
}

const singular = (name: string) => name.replace(/ies$/, 'y').replace(/(?<!s)s$/, '');

function plausibleObject({ properties = {}, required = [] }: FieldSchema, rng: Rng, depth: number): JsonObject {
  const result: JsonObject = {};
  const names = Object.keys(properties);
  const chance = depth > 3 ? 0 : Math.min(1, 2 / Math.max(1, names.length));
  for (const name of names) {
    if (!required.includes(name) && !rng.bool(chance)) continue;
    result[name] = plausible(properties[name] ?? {}, name, rng, depth + 1);
  }
  // A choice of one of many (a volume's source, a probe's handler) is nothing while it is empty.
  const more = names.filter((name) => !(name in result));
  const extra = more[rng.int(more.length)];
  if (extra !== undefined && depth <= 4 && Object.keys(result).length <= required.length)
    result[extra] = plausible(properties[extra] ?? {}, extra, rng, depth + 1);
  return result;
}

export type Path = readonly (string | number)[];

/** A place in an object of a type, and its schema. */
export interface Place {
  readonly path: Path;
  readonly schema: FieldSchema;
  readonly name: string;
}

/** Fields that are not to be touched at random: they act on other cases, or on the server itself. */
const untouchable =
  /^(kind|apiVersion|status|managedFields|globalDefault|matchConstraints|resourceRules|rules|matchResources|matchingPrecedence|conversion|priorityLevelConfiguration|service|group|paramKind|paramRef|exempt)$/;

/** A random place of a type, outside of metadata unless asked for. */
export function randomPlace(
  definition: string,
  rng: Rng,
  { stop = 0.25, metadata = false, status = false } = {},
): Place | undefined {
  let schema: FieldSchema = definitions.get(definition) ?? {};
  const root = definition;
  const path: (string | number)[] = [];
  let name = '';
  for (let depth = 0; depth < 12; depth++) {
    const type = resolve(schema);
    if (path.length > 0 && rng.bool(stop)) break;
    if (type.type === 'array' && type.items) {
      path.push(0);
      schema = type.items;
      name = singular(name);
      continue;
    }
    if (type.additionalProperties) {
      if (rng.bool(0.5)) break;
      path.push('a');
      schema = type.additionalProperties;
      continue;
    }
    const allowed = Object.keys(type.properties ?? {}).filter((each) => {
      if (path.length === 0)
        return status ? each === 'status' : each === 'metadata' ? metadata : !untouchable.test(each);
      if (isDangerous(root, each)) return false;
      return each !== 'managedFields';
    });
    if (allowed.length === 0) break;
    name = rng.pick(allowed);
    path.push(name);
    schema = type.properties?.[name] ?? {};
  }
  return path.length === 0 ? undefined : { path, schema, name };
}

/** Whether a field is to be left as it is in the base object. */
export function isUntouchable(definition: string, path: Path, name: string): boolean {
  if (path.length === 0) return name === 'metadata' || name === 'status' || untouchable.test(name);
  return name === 'managedFields' || isDangerous(definition, name);
}

function isDangerous(root: string, name: string): boolean {
  if (/admissionregistration/.test(root))
    return untouchable.test(name) || name === 'namespaceSelector' || name === 'objectSelector';
  if (/flowcontrol/.test(root))
    return name === 'matchingPrecedence' || name === 'priorityLevelConfiguration' || name === 'exempt';
  if (/apiextensions|apiregistration/.test(root))
    return name === 'conversion' || name === 'group' || name === 'service';
  return false;
}

/** A copy with the value at a path; what lies on the way is made with its required fields. */
export function withValue(object: JsonObject, definition: string, path: Path, value: Json | undefined): JsonObject {
  const result = structuredClone(object);
  let schema: FieldSchema = definitions.get(definition) ?? {};
  let here: Json = result;
  for (const [index, key] of path.entries()) {
    const type = resolve(schema);
    schema = typeof key === 'number' ? (type.items ?? {}) : (type.properties?.[key] ?? type.additionalProperties ?? {});
    const last = index === path.length - 1;
    if (Array.isArray(here) && typeof key === 'number') {
      if (last) {
        if (value !== undefined) here[key] = value;
        else here.splice(key, 1);
        return result;
      }
      here[key] ??= emptyOf(schema);
      here = here[key] ?? null;
    } else if (isObject(here) && typeof key === 'string') {
      if (last) {
        if (value !== undefined) here[key] = value;
        else delete here[key];
        return result;
      }
      here[key] ??= emptyOf(schema);
      here = here[key] ?? null;
    } else return result;
  }
  return result;
}

/** The least value of a type: its required fields, each with a value by its name. */
export function emptyOf(schema: FieldSchema, name = '', depth = 0): Json {
  const type = resolve(schema);
  if (type.type === 'array') return [];
  if (type.type !== 'object' || depth > 6)
    return (
      byName.find(([pattern]) => pattern.test(name))?.[1][0] ??
      (type.type === 'integer' ? 1 : type.type === 'boolean' ? true : '1')
    );
  const result: JsonObject = {};
  for (const each of type.required ?? []) {
    const field = type.properties?.[each] ?? {};
    const inner = emptyOf(field, each, depth + 1);
    const items = resolve(field).items;
    result[each] = Array.isArray(inner) && items ? [emptyOf(items, singular(each), depth + 1)] : inner;
  }
  return result;
}

const long = 'x'.repeat(300);
const badStrings: readonly Json[] = [
  '',
  ' ',
  'A_b!',
  'UPPER',
  '-a',
  'a..b',
  'a/b/c',
  '1',
  'x'.repeat(64),
  long,
  'ü',
  '0',
  '/',
  '../a',
  5,
  true,
  {},
  [],
  ['x'],
];
const badNumbers: readonly Json[] = [
  -1,
  0,
  65536,
  2147483648,
  -2147483649,
  9007199254740992,
  1.5,
  '1',
  'x',
  true,
  {},
  101,
  1e20,
];
const badByType: Readonly<Record<string, readonly Json[]>> = {
  string: badStrings,
  integer: badNumbers,
  number: badNumbers,
  boolean: ['true', 1, 0, {}, ''],
  array: [[], {}, 'x', [null], [{}], [[]], 1],
  object: [{}, [], 'x', { unknownField: 1 }, 1, false],
};
const badQuantities: readonly Json[] = [
  '-1',
  '1.5.',
  'abc',
  '1m',
  '0',
  '0.0001',
  5,
  1.5,
  '',
  '1KiB',
  '1e',
  '+1',
  '100000000000000000000',
  null,
  {},
];
const badIntOrStrings: readonly Json[] = [-1, '-5%', '150%', 'abc', 70000, '', 1.5, '5', true, {}, '100%', 0];
const badTimes: readonly Json[] = [
  'yesterday',
  '2026-13-01T00:00:00Z',
  '2026-01-01',
  5,
  '',
  '2026-01-01T00:00:00+02:00',
  '2026-01-01T00:00:00.5Z',
];
const badMaps: readonly Json[] = [
  { 'bad key!': 'x' },
  { a: 5 },
  { a: null },
  { [long]: 'a' },
  { 'a/b/c': 'x' },
  { '': 'x' },
  { a: long },
  { a: 'bad value!' },
  [],
];
const badSelectors: readonly Json[] = [
  {},
  { matchLabels: { 'bad key!': 'x' } },
  { matchLabels: { a: 'bad value!' } },
  { matchExpressions: [{ key: 'a', operator: 'Near', values: ['b'] }] },
  { matchExpressions: [{ key: 'a', operator: 'In' }] },
  { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] },
  { matchExpressions: [{ key: '', operator: 'Exists' }] },
  { matchExpressions: [{}] },
];

/** A value that breaks a rule of the field, or may. `undefined`: leave it out. */
export function violation({ schema }: Place, rng: Rng): Json | undefined {
  if (rng.bool(0.06)) return null;
  if (rng.bool(0.08)) return undefined;
  const short = schema.ref?.split('.').at(-1);
  if (short === 'Quantity') return rng.pick(badQuantities);
  if (short === 'IntOrString') return rng.pick(badIntOrStrings);
  if (short === 'Time' || short === 'MicroTime') return rng.pick(badTimes);
  if (short === 'LabelSelector') return structuredClone(rng.pick(badSelectors));
  const type = resolve(schema);
  if (type.additionalProperties?.ref?.endsWith('Quantity'))
    return rng.pick<Json>([
      { cpu: '-1' },
      { 'bad!': '1' },
      { cpu: 'x' },
      { unknown: '1' },
      { 'a/b': '0.5' },
      { cpu: '0.0001' },
      { 'hugepages-2Mi': '1Mi' },
      {},
    ]);
  if (type.additionalProperties) return structuredClone(rng.pick(badMaps));
  return structuredClone(rng.pick(badByType[type.type ?? 'string'] ?? badStrings));
}
