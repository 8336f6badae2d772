import {
  type Client,
  ConfigMap,
  type Controller,
  type Informers,
  isStatusError,
  Namespace,
  type ObjectKey,
  objectKey,
  type ReconcileContext,
  watch,
} from '@keelson/core';
import type { RootCa } from './root-ca.ts';

const configMapName = 'kube-root-ca.crt';
const descriptionKey = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

/** Sees to it that every namespace has the ConfigMap `kube-root-ca.crt` with the cluster's CA in it. */
export class RootCaController implements Controller {
  readonly name = 'root-ca';
  readonly watches;
  private readonly client: Client;
  private readonly rootCa: RootCa;
  private readonly namespaces;
  private readonly configMaps;

  constructor(client: Client, informers: Informers, rootCa: RootCa) {
    this.client = client;
    this.rootCa = rootCa;
    this.namespaces = informers.for(Namespace);
    this.configMaps = informers.for(ConfigMap, { fieldSelector: `metadata.name=${configMapName}` });
    this.watches = [
      watch(this.namespaces).self(),
      watch(this.configMaps).map((configMap) => [configMap.metadata.namespace ?? '']),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<void> {
    const namespace = this.namespaces.lister.get(key);
    if (!namespace || namespace.status?.phase === 'Terminating' || namespace.metadata.deletionTimestamp) return;
    const ref = { namespace: key, name: configMapName };
    const data = { 'ca.crt': this.rootCa.pem };
    const known = this.configMaps.lister.get(objectKey(ref));
    try {
      if (!known) {
        const metadata = { ...ref, annotations: { [descriptionKey]: description } };
        await this.client.create(ConfigMap, { metadata, data }, { signal });
      } else if (!isRight(known, data)) {
        const annotations = { ...known.metadata.annotations, [descriptionKey]: description };
        await this.client.update(
          ConfigMap,
          { ...known, metadata: { ...known.metadata, annotations }, data },
          { signal },
        );
      }
    } catch (error) {
      // The namespace may have begun to go, or somebody else was first; a conflict brings an event of its own.
      if (isStatusError(error, 'AlreadyExists', 'NotFound')) return;
      if (isStatusError(error, 'Forbidden') && error.message.includes('being terminated')) return;
      throw error;
    }
  }
}

function isRight(configMap: ConfigMap, data: Readonly<Record<string, string>>): boolean {
  const actual = configMap.data ?? {};
  return (
    Object.keys(actual).length === 1 &&
    actual['ca.crt'] === data['ca.crt'] &&
    configMap.metadata.annotations?.[descriptionKey] === description
  );
}
