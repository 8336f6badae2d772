import { decodeMessage } from './decode-message.ts';
import { prefix, type TypeMeta, unwrap } from './envelope.ts';
import { messageOf } from './message-table.ts';
import { WireError } from './wire.ts';

/**
 * Reads an object in Kubernetes' binary encoding: four bytes of prefix, then a `runtime.Unknown` that names the kind
 * and holds the message. What it does not name is that of `defaults`. Throws `WireError` with a sentence for the client.
 */
export function decodeProtobuf(bytes: Buffer, defaults?: Partial<TypeMeta>): unknown {
  if (!bytes.subarray(0, prefix.length).equals(prefix)) {
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  const found = unwrap(bytes);
  const apiVersion = found.apiVersion || (defaults?.apiVersion ?? '');
  const kind = found.kind || (defaults?.kind ?? '');
  const type = messageOf(apiVersion, kind);
  if (type === undefined)
    throw new WireError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const decoded = decodeMessage(type, found.raw);
  return { kind, apiVersion, ...(typeof decoded === 'object' ? decoded : {}) };
}
