import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  Secret,
  ServiceAccountTokenProjection,
  Volume,
} from '@keelson/core/api';
import { containerResourceValue, type NodeAllocatable } from '../containers/resources.ts';
import { isMissing, type ReferencedObjects, readConfigMap, readSecret } from '../environment/container-environment.ts';
import { type PodAddresses, podFieldValue } from '../environment/field-path.ts';
import { findContainer } from '../pods/pod-facts.ts';
import type { Payload, PayloadFile } from './atomic-writer.ts';

/** Gives out ServiceAccount tokens that are bound to a pod. */
export interface PodTokens {
  token(
    pod: Pod,
    projection: Pick<ServiceAccountTokenProjection, 'audience' | 'expirationSeconds'>,
    signal: AbortSignal,
  ): Promise<string>;
}

export interface ContentSources {
  readonly objects: ReferencedObjects;
  readonly tokens: PodTokens;
  readonly addresses: PodAddresses;
  readonly allocatable: NodeAllocatable;
}

type Files = Map<string, PayloadFile>;

/** The files of a `configMap`, `secret`, `downwardAPI` or `projected` volume. Rejects with what a kubelet says is missing. */
export async function volumeContent(
  pod: Pod,
  volume: Volume,
  sources: ContentSources,
  signal: AbortSignal,
): Promise<Payload> {
  const files: Files = new Map();
  const into = { pod, sources, files, signal };
  if (volume.configMap) {
    const { name = '', items, optional, defaultMode = 0o644 } = volume.configMap;
    await addConfigMap(into, { name, items, optional }, defaultMode);
  } else if (volume.secret) {
    const { secretName = '', items, optional, defaultMode = 0o644 } = volume.secret;
    await addSecret(into, { name: secretName, items, optional }, defaultMode);
  } else if (volume.downwardAPI) {
    addDownward(into, volume.downwardAPI.items, volume.downwardAPI.defaultMode ?? 0o644);
  } else if (volume.projected) {
    const { defaultMode = 0o644, sources: projections = [] } = volume.projected;
    for (const each of projections) {
      if (each.configMap) await addConfigMap(into, each.configMap, defaultMode);
      if (each.secret) await addSecret(into, each.secret, defaultMode);
      if (each.downwardAPI) addDownward(into, each.downwardAPI.items, defaultMode);
      if (each.serviceAccountToken) await addToken(into, each.serviceAccountToken, defaultMode);
      if (each.clusterTrustBundle) throw new Error('clusterTrustBundle projections are not supported by this kubelet');
      if (each.podCertificate) throw new Error('podCertificate projections are not supported by this kubelet');
    }
  }
  return files;
}

interface Into {
  readonly pod: Pod;
  readonly sources: ContentSources;
  readonly files: Files;
  readonly signal: AbortSignal;
}

interface Reference {
  readonly name?: string;
  readonly items?: readonly KeyToPath[];
  readonly optional?: boolean;
}

async function addConfigMap({ pod, sources, files, signal }: Into, ref: Reference, mode: number): Promise<void> {
  const namespace = pod.metadata.namespace ?? '';
  const map = await orMissing(ref.optional, readConfigMap(sources.objects, namespace, ref.name ?? '', signal));
  addKeys(files, configMapData(map), ref, mode, 'config');
}

async function addSecret({ pod, sources, files, signal }: Into, ref: Reference, mode: number): Promise<void> {
  const namespace = pod.metadata.namespace ?? '';
  const secret = await orMissing(ref.optional, readSecret(sources.objects, namespace, ref.name ?? '', signal));
  addKeys(files, secretData(secret), ref, mode, 'secret');
}

async function orMissing<T>(optional: boolean | undefined, read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (optional === true && isMissing(error)) return undefined;
    throw error;
  }
}

function configMapData(map: ConfigMap | undefined): ReadonlyMap<string, Uint8Array> {
  const data = Object.entries(map?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'utf8')] as const);
  const binary = Object.entries(map?.binaryData ?? {}).map(
    ([key, value]) => [key, Buffer.from(value, 'base64')] as const,
  );
  return new Map([...data, ...binary]);
}

function secretData(secret: Secret | undefined): ReadonlyMap<string, Uint8Array> {
  return new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const),
  );
}

/** All keys under their own names, or the chosen ones under theirs. */
function addKeys(
  files: Files,
  data: ReadonlyMap<string, Uint8Array>,
  ref: Reference,
  mode: number,
  kind: 'config' | 'secret',
): void {
  if (!ref.items || ref.items.length === 0) {
    for (const [key, value] of data) files.set(key, { data: value, mode });
    return;
  }
  for (const item of ref.items) {
    const value = data.get(item.key);
    if (value === undefined) {
      if (ref.optional === true) continue;
      throw new Error(`references non-existent ${kind} key: ${item.key}`);
    }
    files.set(item.path, { data: value, mode: item.mode ?? mode });
  }
}

function addDownward(
  { pod, sources, files }: Into,
  items: readonly DownwardAPIVolumeFile[] | undefined,
  mode: number,
): void {
  for (const item of items ?? []) {
    files.set(item.path, { data: Buffer.from(downwardValue(pod, item, sources), 'utf8'), mode: item.mode ?? mode });
  }
}

function downwardValue(pod: Pod, item: DownwardAPIVolumeFile, sources: ContentSources): string {
  if (item.fieldRef) return podFieldValue(pod, item.fieldRef.fieldPath, sources.addresses);
  const ref = item.resourceFieldRef;
  if (!ref) return '';
  const container = findContainer(pod, ref.containerName ?? '');
  if (!container) throw new Error(`container ${ref.containerName} not found`);
  return containerResourceValue(container, ref, sources.allocatable);
}

async function addToken(
  { pod, sources, files, signal }: Into,
  projection: ServiceAccountTokenProjection,
  mode: number,
): Promise<void> {
  const token = await sources.tokens.token(pod, projection, signal);
  const { fsGroup, runAsUser } = pod.spec.securityContext ?? {};
  // With no group to share it by, only the one user that all containers run as may read a token.
  const users = new Set(
    [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(
      (each) => each.securityContext?.runAsUser ?? runAsUser,
    ),
  );
  const [only] = users;
  const owned = fsGroup === undefined && users.size === 1 && only !== undefined;
  files.set(projection.path, {
    data: Buffer.from(token, 'utf8'),
    mode: fsGroup !== undefined || owned ? 0o600 : mode,
    ...(owned && process.getuid?.() === 0 && { uid: only }),
  });
}
