import type { Pod } from '@keelson/core/api';

/** What a pod does not carry itself yet when its containers are made. */
export interface PodAddresses {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}

const subscripted = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/;

/**
 * The value of a `fieldRef` (kubernetes.io/docs/concepts/workloads/pods/downward-api#available-fields).
 * Throws for a field that is not offered.
 */
export function podFieldValue(pod: Pod, fieldPath: string, addresses: PodAddresses): string {
  const match = subscripted.exec(fieldPath);
  if (match) {
    const map = match[1] === 'metadata.labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[match[2] ?? ''] ?? '';
  }
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return addresses.hostIps[0] ?? '';
    case 'status.hostIPs':
      return addresses.hostIps.join(',');
    case 'status.podIP':
      return addresses.podIps[0] ?? '';
    case 'status.podIPs':
      return addresses.podIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** Labels or annotations as a downward API file shows them: `key="value"`, sorted, one a line. */
export function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map((key) => `${key}=${quote(map?.[key] ?? '')}`)
    .join('\n');
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
  '\u0007': '\\a',
};

/** A Go-quoted string: what readers of these files are written for. */
function quote(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const escaped = escapes[char];
    if (escaped !== undefined) out += escaped;
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += char;
  }
  return `${out}"`;
}
