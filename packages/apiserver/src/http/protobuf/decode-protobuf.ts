import { decodeMessage, isMessage } from './decode-message.ts';
import { WireError, WireReader } from './wire.ts';

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

const prefix = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The package of the messages of a group version; groups of Kubernetes are named after their first label. */
function packageOf(group: string, version: string): string {
  if (group === '') return `k8s.io.api.core.${version}`;
  if (group === 'apiextensions.k8s.io') return `k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.${version}`;
  if (group === 'apiregistration.k8s.io') return `k8s.io.kube_aggregator.pkg.apis.apiregistration.${version}`;
  const short = { 'rbac.authorization.k8s.io': 'rbac', 'flowcontrol.apiserver.k8s.io': 'flowcontrol' }[group];
  const own = short ?? (group === 'internal.apiserver.k8s.io' ? 'apiserverinternal' : (group.split('.')[0] ?? group));
  return `k8s.io.api.${own}.${version}`;
}

/**
 * Reads an object in Kubernetes' binary encoding: four bytes of prefix, then a `runtime.Unknown` that names the kind
 * and holds the message. Throws `WireError` with a sentence for the client.
 */
export function decodeProtobuf(bytes: Buffer): unknown {
  if (!bytes.subarray(0, 4).equals(prefix)) {
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = Buffer.alloc(0);
  const reader = new WireReader(bytes.subarray(4));
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1) [apiVersion, kind] = typeMeta(reader.bytes());
    else if (field === 2) raw = reader.bytes();
    else reader.skip(wire);
  }
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const own = `${packageOf(group, version)}.${kind}`;
  const shared = `k8s.io.apimachinery.pkg.apis.meta.v1.${kind}`;
  const type = isMessage(own) ? own : shared;
  if (!isMessage(type))
    throw new WireError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const decoded = decodeMessage(type, raw);
  return { kind, apiVersion, ...(typeof decoded === 'object' ? decoded : {}) };
}

function typeMeta(bytes: Uint8Array): [string, string] {
  const reader = new WireReader(bytes);
  let apiVersion = '';
  let kind = '';
  while (!reader.done) {
    const { field, wire } = reader.tag();
    if (field === 1) apiVersion = reader.string();
    else if (field === 2) kind = reader.string();
    else reader.skip(wire);
  }
  return [apiVersion, kind];
}
