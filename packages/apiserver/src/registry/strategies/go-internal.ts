import { formatQuantity } from '@keelson/core';
import { inGoOrder } from '../../schema/go-order.ts';
import { type GoField, type GoType, goFields } from '../../schema/go-types.ts';
import { hollowMember } from '../../schema/hollow.ts';
import { isObject, type Json } from '../draft.ts';

/** Words that Go writes in capitals, and fields that the internal types call something else. */
const goNames: Readonly<Record<string, string>> = {
  awsElasticBlockStore: 'AWSElasticBlockStore',
  gcePersistentDisk: 'GCEPersistentDisk',
  nfs: 'NFS',
  iscsi: 'ISCSI',
  rbd: 'RBD',
  cephfs: 'CephFS',
  fc: 'FC',
  csi: 'CSI',
  storageos: 'StorageOS',
  dnsPolicy: 'DNSPolicy',
  dnsConfig: 'DNSConfig',
  httpGet: 'HTTPGet',
  tcpSocket: 'TCPSocket',
  grpc: 'GRPC',
  httpHeaders: 'HTTPHeaders',
  tty: 'TTY',
  os: 'OS',
  ip: 'IP',
  uid: 'UID',
  seLinuxOptions: 'SELinuxOptions',
  seLinuxChangePolicy: 'SELinuxChangePolicy',
  seLinuxMount: 'SELinuxMount',
  fsGroup: 'FSGroup',
  fsGroupChangePolicy: 'FSGroupChangePolicy',
  fsType: 'FSType',
  fsGroupPolicy: 'FSGroupPolicy',
  gmsaCredentialSpecName: 'GMSACredentialSpecName',
  gmsaCredentialSpec: 'GMSACredentialSpec',
  pdName: 'PDName',
  apiVersion: 'APIVersion',
  apiGroup: 'APIGroup',
  iqn: 'IQN',
  chapAuthDiscovery: 'DiscoveryCHAPAuth',
  chapAuthSession: 'SessionCHAPAuth',
  iscsiInterface: 'ISCSIInterface',
  podCIDR: 'PodCIDR',
  wwids: 'WWIDs',
  pdID: 'PdID',
  sslEnabled: 'SSLEnabled',
  'RBDVolumeSource.monitors': 'CephMonitors',
  'RBDVolumeSource.image': 'RBDImage',
  'RBDVolumeSource.pool': 'RBDPool',
  'RBDVolumeSource.user': 'RadosUser',
  'GlusterfsVolumeSource.endpoints': 'EndpointsName',
  'RBDPersistentVolumeSource.monitors': 'CephMonitors',
  'RBDPersistentVolumeSource.image': 'RBDImage',
  'RBDPersistentVolumeSource.pool': 'RBDPool',
  'RBDPersistentVolumeSource.user': 'RadosUser',
  'GlusterfsPersistentVolumeSource.endpoints': 'EndpointsName',
  'AzureDiskVolumeSource.diskURI': 'DataDiskURI',
};

const volumeSources = [
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'hostPath',
  'glusterfs',
  'nfs',
  'rbd',
  'quobyte',
  'iscsi',
  'flexVolume',
  'cinder',
  'cephfs',
  'fc',
  'flocker',
  'azureFile',
  'vsphereVolume',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'local',
  'storageos',
  'csi',
];

/** Fields in the order of the internal type, where it is not that of the version. */
const orders: Readonly<Record<string, readonly string[]>> = {
  PodSpec: [
    'volumes',
    'initContainers',
    'containers',
    'ephemeralContainers',
    'restartPolicy',
    'terminationGracePeriodSeconds',
    'activeDeadlineSeconds',
    'dnsPolicy',
    'nodeSelector',
    'serviceAccountName',
    'automountServiceAccountToken',
    'nodeName',
    'securityContext',
    'imagePullSecrets',
    'hostname',
    'subdomain',
    'setHostnameAsFQDN',
    'affinity',
    'schedulerName',
    'tolerations',
    'hostAliases',
    'priorityClassName',
    'priority',
    'preemptionPolicy',
    'dnsConfig',
    'readinessGates',
    'runtimeClassName',
    'overhead',
    'enableServiceLinks',
    'topologySpreadConstraints',
    'os',
    'schedulingGates',
    'resourceClaims',
    'resources',
    'hostnameOverride',
    'workloadRef',
  ],
  PersistentVolumeSource: volumeSources,
  PersistentVolumeSpec: [
    'capacity',
    ...volumeSources,
    'accessModes',
    'claimRef',
    'persistentVolumeReclaimPolicy',
    'storageClassName',
    'mountOptions',
    'volumeMode',
    'nodeAffinity',
    'volumeAttributesClassName',
  ],
  PodSecurityContext: [
    'seLinuxOptions',
    'windowsOptions',
    'runAsUser',
    'runAsGroup',
    'runAsNonRoot',
    'supplementalGroups',
    'supplementalGroupsPolicy',
    'fsGroup',
    'fsGroupChangePolicy',
    'sysctls',
    'seccompProfile',
    'appArmorProfile',
    'seLinuxChangePolicy',
  ],
  Volume: [
    'name',
    'hostPath',
    'emptyDir',
    'gcePersistentDisk',
    'awsElasticBlockStore',
    'gitRepo',
    'secret',
    'nfs',
    'iscsi',
    'glusterfs',
    'persistentVolumeClaim',
    'rbd',
    'quobyte',
    'flexVolume',
    'cinder',
    'cephfs',
    'flocker',
    'downwardAPI',
    'fc',
    'azureFile',
    'configMap',
    'vsphereVolume',
    'azureDisk',
    'photonPersistentDisk',
    'projected',
    'portworxVolume',
    'scaleIO',
    'storageos',
    'csi',
    'ephemeral',
    'image',
  ],
};

const scalars: Readonly<Record<string, unknown>> = {
  string: '',
  bool: false,
  int32: 0,
  int64: 0,
  int: 0,
  float64: 0,
};

const core = 'io.k8s.api.core.v1.';
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.';
const objectMeta = `${meta}ObjectMeta`;
const definitionOf = ({ name }: GoType) => (name.startsWith('v1.') ? core + name.slice(3) : undefined);
const shortOf = (definition: string) => definition.slice(definition.lastIndexOf('.') + 1);
const goName = (struct: string, name: string) =>
  goNames[`${struct}.${name}`] ?? goNames[name] ?? (name[0] ?? '').toUpperCase() + name.slice(1);

function zeroOf(type: GoType): unknown {
  if (type.pointer || type.shape !== 'other') return null;
  const definition = definitionOf(type);
  const fields = definition === undefined ? undefined : goFields(definition);
  if (definition !== undefined && fields) return struct(definition, {});
  if (type.name === 'intstr.IntOrString') return 0;
  if (type.name === 'resource.Quantity') return '0';
  // A type of one's own over a string is by far the most common one.
  return scalars[type.name] ?? '';
}

function show(value: unknown, type: GoType): unknown {
  if (value === undefined || value === null) return zeroOf(type);
  if (type.shape === 'list' && Array.isArray(value)) {
    const { element } = type;
    return element ? value.map((each: unknown) => show(each, element)) : value;
  }
  if (type.shape === 'map' && isObject(value)) {
    const { element } = type;
    const keys = Object.keys(value).sort();
    return Object.fromEntries(keys.map((key) => [key, element ? show(value[key], element) : value[key]]));
  }
  if (type.name === 'resource.Quantity') return formatQuantity(String(value));
  const definition = definitionOf(type);
  if (definition === undefined || !isObject(value)) return value;
  if (goFields(definition)) return struct(definition, value);
  // Types of all groups are the same internally, and shown by the names that they have on the wire.
  const shared = meta + type.name.slice('v1.'.length);
  return goFields(shared) ? inGoOrder(shared, value) : value;
}

function fieldsIn(definition: string): readonly GoField[] {
  // Embedded into the spec, and so no definition of its own.
  const declared = goFields(definition.replace(/\.PersistentVolumeSource$/, '.PersistentVolumeSpec')) ?? [];
  const order = orders[shortOf(definition)];
  if (!order) return declared;
  const byName = new Map(declared.map((each) => [each.name, each]));
  return order.flatMap((each) => byName.get(each) ?? []);
}

function struct(definition: string, value: Readonly<Json>): Json {
  const short = shortOf(definition);
  const shown: Json = {};
  for (const { name, type } of fieldsIn(definition)) {
    // Embedded, and so without a name of its own.
    if (name === 'metadata' && type.name === 'v1.ObjectMeta') {
      Object.assign(shown, inGoOrder(objectMeta, value[name]));
      continue;
    }
    shown[goName(short, name)] =
      name === 'securityContext' && short === 'PodSpec'
        ? podSecurityContext(value)
        : show(value[name] ?? hollowMember(value, name), type);
  }
  return shown;
}

/** Internally the namespaces of the host belong to the security context. */
function podSecurityContext(spec: Readonly<Json>): Json | null {
  const { securityContext, hostNetwork, hostPID, hostIPC, shareProcessNamespace, hostUsers } = spec;
  if (securityContext === undefined) return null;
  return {
    HostNetwork: hostNetwork ?? false,
    HostPID: hostPID ?? false,
    HostIPC: hostIPC ?? false,
    ShareProcessNamespace: shareProcessNamespace ?? null,
    HostUsers: hostUsers ?? null,
    ...struct(`${core}PodSecurityContext`, isObject(securityContext) ? securityContext : {}),
  };
}

/**
 * A core/v1 value as Kubernetes' messages show it: its internal Go struct as JSON, with every field there is.
 * `type`: `SecurityContext`; or `[]NodeSelectorTerm` for a list of them.
 */
export function inGo(type: string, value: object | undefined): unknown {
  if (value === undefined) return null;
  if (Array.isArray(value))
    return value.map((each: unknown) => struct(core + type.replace('[]', ''), isObject(each) ? each : {}));
  return struct(core + type, { ...value });
}
