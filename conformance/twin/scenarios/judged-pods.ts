import { isObject, type Json, type JsonObject, merged } from '../json.ts';
import type { Rng } from '../rng.ts';

/** Makes one field, or a few that belong together; `undefined` where chance says so. */
type Field = (rng: Rng) => JsonObject | undefined;

/** A field that is left out mostly, with one of these values where it is not. */
const field =
  (name: string, values: readonly Json[], chance = 0.15): Field =>
  (rng) =>
    rng.bool(chance) ? { [name]: structuredClone(rng.pick(values)) } : undefined;

const all = (rng: Rng, fields: readonly Field[]): JsonObject =>
  Object.assign({}, ...fields.map((each) => each(rng) ?? {})) as JsonObject;

const localhost = { type: 'Localhost', localhostProfile: 'profiles/x' };
const profiles: readonly Json[] = [{ type: 'RuntimeDefault' }, { type: 'Unconfined' }, localhost];
const seLinux: readonly Json[] = [
  {},
  { type: '' },
  { type: 'container_t' },
  { type: 'container_kvm_t', level: 's0:c1,c2' },
  { type: 'container_engine_t' },
  { type: 'other_t' },
  { user: 'u' },
  { user: '', role: 'r' },
  { type: 'spc_t', user: 'u', role: 'r' },
];
const windows: readonly Json[] = [
  { hostProcess: false },
  { runAsUserName: 'user' },
  { gmsaCredentialSpecName: 'x' },
  { hostProcess: true },
];
const identity: readonly Field[] = [
  field('runAsUser', [0, 1, 1000], 0.2),
  field('runAsNonRoot', [true, false, true], 0.25),
  field('runAsGroup', [0, 1000]),
  field('seccompProfile', profiles, 0.25),
  field('appArmorProfile', [...profiles, { type: 'Localhost', localhostProfile: 'x' }]),
  field('seLinuxOptions', seLinux),
  field('windowsOptions', windows, 0.06),
];

const containerContext: readonly Field[] = [
  ...identity,
  field('capabilities', [
    {},
    { drop: ['ALL'] },
    { drop: ['all'] },
    { drop: ['NET_RAW', 'ALL'] },
    { drop: ['NET_RAW'] },
    { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
    { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] },
    { add: ['CHOWN', 'KILL', 'SETUID'] },
    { add: ['SYS_ADMIN', 'NET_ADMIN', 'SYS_TIME'] },
    { add: ['CAP_NET_RAW'] },
    { add: ['ALL'] },
    { add: ['sys_time', 'SYS_TIME', 'SYS_TIME'] },
    { add: ['NET_RAW', 'AUDIT_WRITE', 'MKNOD'], drop: ['ALL'] },
    { add: [] },
  ]),
  field('privileged', [true, false], 0.1),
  field('allowPrivilegeEscalation', [false, false, true], 0.25),
  field('procMount', ['Default', 'Unmasked', 'Default'], 0.08),
  field('readOnlyRootFilesystem', [true, false], 0.05),
];

const handlers = (host: Json): readonly JsonObject[] => [
  { httpGet: { port: 80, ...(host !== null && { host }) } },
  { tcpSocket: { port: 80, ...(host !== null && { host }) } },
  { exec: { command: ['x'] } },
  { grpc: { port: 80 } },
];
const hosts: readonly Json[] = [null, '', 'example.com', '127.0.0.1', '8.8.8.8', '::1', 'localhost'];
const probe =
  (name: string): Field =>
  (rng) =>
    rng.bool(0.08) ? { [name]: rng.pick(handlers(rng.pick(hosts))) } : undefined;
const lifecycle: Field = (rng) => {
  if (!rng.bool(0.08)) return undefined;
  // Not gRPC: it is no handler of these.
  const handler = () => rng.pick(handlers(rng.pick(hosts)).slice(0, 3));
  const sleep = { sleep: { seconds: 1 } };
  return { lifecycle: { ...(rng.bool() && { postStart: handler() }), preStop: rng.pick([handler(), sleep]) } };
};
const probes = [probe('livenessProbe'), probe('readinessProbe'), probe('startupProbe'), lifecycle];

const ports: Field = (rng) => {
  if (!rng.bool(0.2)) return undefined;
  const port = (at: number): JsonObject => ({
    containerPort: 80 + at,
    ...(rng.bool() && { hostPort: rng.pick([80 + at, 0, 9000]) }),
    ...(rng.bool(0.2) && { hostIP: rng.pick(['127.0.0.1', '::1']) }),
  });
  return { ports: Array.from({ length: 1 + rng.int(3) }, (_, at) => port(at)) };
};

/** What passes every level. */
const closed = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};

function container(rng: Rng, name: string, kind: 'init' | 'main' | 'ephemeral', isClosed: boolean): JsonObject {
  const context = { ...(isClosed && structuredClone(closed)), ...(rng.bool() && all(rng, containerContext)) };
  return {
    name,
    image: rng.pick(['example.com/image:1', 'example.com/image:2']),
    ...(Object.keys(context).length > 0 && { securityContext: context }),
    ...(kind === 'init' && rng.bool(0.3) && { restartPolicy: 'Always' }),
    // Others may have neither.
    ...(kind === 'main' && { ...all(rng, probes), ...ports(rng) }),
    ...(kind === 'init' && ports(rng)),
  };
}

const volumeSources: readonly JsonObject[] = [
  { emptyDir: {} },
  { configMap: { name: 'x' } },
  { secret: { secretName: 'x' } },
  { downwardAPI: {} },
  { projected: { sources: [{ configMap: { name: 'x' } }] } },
  { persistentVolumeClaim: { claimName: 'x' } },
  { csi: { driver: 'd.example.com' } },
  {
    ephemeral: {
      volumeClaimTemplate: {
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      },
    },
  },
  { image: { reference: 'example.com/image:1' } },
  { hostPath: { path: '/x' } },
  { hostPath: { path: '/y', type: 'Directory' } },
  { gcePersistentDisk: { pdName: 'x' } },
  { awsElasticBlockStore: { volumeID: 'x' } },
  { gitRepo: { repository: 'x' } },
  { nfs: { server: 's', path: '/x' } },
  { iscsi: { targetPortal: '192.0.2.1', iqn: 'iqn.2001-04.com.example:x', lun: 0 } },
  { glusterfs: { endpoints: 'e', path: 'x' } },
  { rbd: { monitors: ['m'], image: 'x' } },
  { flexVolume: { driver: 'example.com/x' } },
  { cinder: { volumeID: 'x' } },
  { cephfs: { monitors: ['m'] } },
  { flocker: { datasetName: 'x' } },
  { fc: { targetWWNs: ['x'], lun: 1 } },
  { azureFile: { secretName: 's', shareName: 'x' } },
  { azureDisk: { diskName: 'x', diskURI: 'https://blob/vhds/x.vhd' } },
  { vsphereVolume: { volumePath: 'x' } },
  { quobyte: { registry: 'r:1', volume: 'x' } },
  { portworxVolume: { volumeID: 'x' } },
  { scaleIO: { gateway: 'g', system: 's', volumeName: 'x', secretRef: { name: 'x' } } },
  { storageos: { volumeName: 'x' } },
  {},
];
const volumes: Field = (rng) =>
  rng.bool(0.35)
    ? {
        volumes: Array.from({ length: 1 + rng.int(3) }, (_, at) => ({
          name: `v${at}`,
          ...structuredClone(rng.pick(volumeSources)),
        })),
      }
    : undefined;

const sysctls = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  'net/ipv4/tcp_rmem',
  'kernel.msgmax',
  'net.core.somaxconn',
  'fs.mqueue.msg_max',
];
const podContext: readonly Field[] = [
  ...identity,
  (rng) =>
    rng.bool(0.2)
      ? {
          sysctls: rng
            .shuffled(sysctls)
            .slice(0, 1 + rng.int(3))
            .map((name) => ({ name, value: '1' })),
        }
      : undefined,
  field('supplementalGroups', [[0], [1000]], 0.05),
  field('fsGroup', [0, 1000], 0.05),
  field('seLinuxChangePolicy', ['MountOption', 'Recursive'], 0.05),
];

const podFields: readonly Field[] = [
  volumes,
  field('hostNetwork', [true, false], 0.12),
  field('hostPID', [true, false], 0.1),
  field('hostIPC', [true, false], 0.1),
  field('hostUsers', [false, true, false], 0.15),
  field('shareProcessNamespace', [true], 0.05),
  field('os', [{ name: 'linux' }, { name: 'windows' }], 0.12),
];

const appArmor = ['runtime/default', 'localhost/x', 'unconfined', 'other', ''];
const annotations: Field = (rng) => {
  if (!rng.bool(0.25)) return undefined;
  return rng.pick<() => JsonObject>([
    () => ({ [`container.apparmor.security.beta.kubernetes.io/${rng.pick(['a', 'b', 'i'])}`]: rng.pick(appArmor) }),
    () => ({
      'seccomp.security.alpha.kubernetes.io/pod': rng.pick([
        'runtime/default',
        'docker/default',
        'localhost/x',
        'unconfined',
        'other',
      ]),
    }),
    () => ({
      [`container.seccomp.security.alpha.kubernetes.io/${rng.pick(['a', 'b', 'i'])}`]: rng.pick([
        'runtime/default',
        'unconfined',
      ]),
    }),
    () => ({ other: 'x' }),
  ])();
};

export interface JudgedPod {
  readonly annotations: JsonObject;
  readonly spec: JsonObject;
}

/** A pod with some of everything that the Pod Security Standards look at; valid mostly. */
export function judgedPod(rng: Rng): JudgedPod {
  const isClosed = rng.bool();
  const context = {
    ...(isClosed && rng.bool(0.2) && { runAsNonRoot: true }),
    ...(rng.bool(0.6) && all(rng, podContext)),
  };
  const names = ['a', 'b', 'c'].slice(0, 1 + rng.int(3));
  const spec: JsonObject = {
    containers: names.map((name) => container(rng, name, 'main', isClosed)),
    ...(rng.bool(0.3) && {
      initContainers: ['i', 'j'].slice(0, 1 + rng.int(2)).map((name) => container(rng, name, 'init', isClosed)),
    }),
    ...(Object.keys(context).length > 0 && { securityContext: context }),
    ...(rng.bool(0.7) && all(rng, podFields)),
  };
  return { annotations: annotations(rng) ?? {}, spec: rng.bool(0.9) ? plausible(spec) : spec };
}

/** An ephemeral container with some of what is judged. */
export const judgedEphemeral = (rng: Rng, name: string): JsonObject => container(rng, name, 'ephemeral', rng.bool());

/** Without what would be refused before anybody judges it. */
function plausible(spec: JsonObject): JsonObject {
  const host = spec['hostNetwork'] === true || spec['hostPID'] === true || spec['hostIPC'] === true;
  const isWindows = isObject(spec['os']) && spec['os']['name'] === 'windows';
  let next = host ? merged(spec, { hostUsers: null }) : spec;
  const each = (context: Json | undefined): Json => {
    const its: JsonObject = isObject(context) ? { ...context } : {};
    const { windowsOptions } = its;
    if (isObject(windowsOptions) && windowsOptions['hostProcess'] === true && spec['hostNetwork'] !== true)
      its['windowsOptions'] = {};
    const { capabilities, privileged } = its;
    const isAdmin = JSON.stringify(capabilities ?? '').includes('SYS_ADMIN');
    if (privileged === true || isAdmin) delete its['allowPrivilegeEscalation'];
    if (!isObject(next) || next['hostUsers'] !== false) {
      if (its['procMount'] === 'Unmasked') delete its['procMount'];
    }
    if (!isWindows) return its;
    const { windowsOptions: options, runAsNonRoot } = its;
    return {
      ...(options !== undefined && { windowsOptions: options }),
      ...(runAsNonRoot === true && { runAsNonRoot }),
    };
  };
  const contained = (list: Json | undefined): Json =>
    Array.isArray(list)
      ? list.map((one) =>
          isObject(one) && one['securityContext'] !== undefined
            ? { ...one, securityContext: each(one['securityContext']) }
            : one,
        )
      : [];
  if (!isObject(next)) return spec;
  next = {
    ...next,
    containers: contained(next['containers']),
    ...(next['initContainers'] !== undefined && { initContainers: contained(next['initContainers']) }),
    ...(next['securityContext'] !== undefined && { securityContext: each(next['securityContext']) }),
  };
  return isWindows && isObject(next)
    ? (merged(next, { hostPID: null, hostIPC: null, hostUsers: null }) as JsonObject)
    : (next as JsonObject);
}
