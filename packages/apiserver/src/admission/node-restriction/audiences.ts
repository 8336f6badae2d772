import { CSIDriver, PersistentVolume, PersistentVolumeClaim, type Pod, type Volume } from '@keelson/core';
import type { ObjectReader } from '../contract.ts';

/** Volumes of Kubernetes' own whose work CSI drivers have taken over (KEP-625). */
const takenOver = {
  awsElasticBlockStore: 'ebs.csi.aws.com',
  azureDisk: 'disk.csi.azure.com',
  azureFile: 'file.csi.azure.com',
  cinder: 'cinder.csi.openstack.org',
  gcePersistentDisk: 'pd.csi.storage.gke.io',
  portworxVolume: 'pxd.portworx.com',
  vsphereVolume: 'csi.vsphere.vmware.com',
} as const;

type Source = { readonly csi?: { readonly driver: string } } & { readonly [Kind in keyof typeof takenOver]?: unknown };

export interface PodAudiences {
  readonly found: ReadonlySet<string>;
  /** Why some of them are not known. */
  readonly errors: readonly string[];
}

/** The audiences that the volumes of a pod need tokens for: those projected, and those that its CSI drivers ask for. */
export async function audiencesOf(pod: Pod, reader: ObjectReader): Promise<PodAudiences> {
  const found = new Set<string>();
  const errors = new Set<string>();
  const drivers = new Set<string>();
  for (const volume of pod.spec.volumes ?? []) {
    for (const { serviceAccountToken } of volume.projected?.sources ?? []) {
      if (serviceAccountToken) found.add(serviceAccountToken.audience ?? '');
    }
    const driver = driverOf(volume) ?? (await claimedDriver(pod, volume, reader, errors));
    if (driver === undefined || drivers.has(driver)) continue;
    drivers.add(driver);
    const known = await reader.get(CSIDriver, driver);
    if (!known) errors.add(`csidriver.storage.k8s.io ${JSON.stringify(driver)} not found`);
    for (const { audience } of known?.spec.tokenRequests ?? []) found.add(audience);
  }
  return { found, errors: [...errors] };
}

async function claimedDriver(
  pod: Pod,
  volume: Volume,
  reader: ObjectReader,
  errors: Set<string>,
): Promise<string | undefined> {
  const ephemeral = volume.ephemeral && `${pod.metadata.name}-${volume.name}`;
  const name = volume.persistentVolumeClaim?.claimName ?? ephemeral;
  if (name === undefined) return undefined;
  const claim = await reader.get(PersistentVolumeClaim, name, pod.metadata.namespace);
  if (!claim) errors.add(`persistentvolumeclaim ${JSON.stringify(name)} not found`);
  const volumeName = claim?.spec.volumeName;
  if (!volumeName) return undefined;
  const persistent = await reader.get(PersistentVolume, volumeName);
  if (!persistent) errors.add(`persistentvolume ${JSON.stringify(volumeName)} not found`);
  return persistent && driverOf(persistent.spec);
}

function driverOf(source: Source): string | undefined {
  if (source.csi) return source.csi.driver;
  for (const [kind, driver] of Object.entries(takenOver)) {
    if (source[kind as keyof typeof takenOver]) return driver;
  }
  return undefined;
}
