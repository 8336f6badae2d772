import { decodeMessage } from './decode-message.ts';
import { prefix, type TypeMeta, unwrap } from './envelope.ts';
import { messageOf } from './message-table.ts';
import { WireError } from './wire.ts';

/** An object in Kubernetes' binary encoding, of which only the type was read yet. */
export interface OpenedProtobuf extends TypeMeta {
  /** Throws `WireError`, also for a kind that has no such encoding. */
  decode(): unknown;
}

/**
 * Opens an object in Kubernetes' binary encoding: four bytes of prefix, then a `runtime.Unknown` that names the kind
 * and holds the message. What it does not name is that of `defaults`. Throws `WireError` with a sentence for the client.
 */
export function openProtobuf(bytes: Buffer, defaults?: Partial<TypeMeta>): OpenedProtobuf {
  if (bytes.length === 0) throw new WireError('empty data');
  if (!bytes.subarray(0, prefix.length).equals(prefix)) {
    throw new WireError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  }
  if (bytes.length === prefix.length) throw new WireError('empty body');
  const found = unwrap(bytes);
  const apiVersion = found.apiVersion || (defaults?.apiVersion ?? '');
  const kind = found.kind || (defaults?.kind ?? '');
  return {
    apiVersion,
    kind,
    decode() {
      const type = messageOf(apiVersion, kind);
      if (type === undefined) {
        const place = 'in scheme "pkg/runtime/scheme.go:111"';
        const version = JSON.stringify(apiVersion);
        throw new WireError(`no kind ${JSON.stringify(kind)} is registered for version ${version} ${place}`);
      }
      const decoded = decodeMessage(type, found.raw);
      return { kind, apiVersion, ...(typeof decoded === 'object' ? decoded : {}) };
    },
  };
}

/** Reads an object in Kubernetes' binary encoding; see `openProtobuf`. */
export function decodeProtobuf(bytes: Buffer, defaults?: Partial<TypeMeta>): unknown {
  return openProtobuf(bytes, defaults).decode();
}
