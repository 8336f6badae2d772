import type { KeyPair } from '@keelson/core/certificates';
import { stringify } from 'yaml';
import { writePrivateFile } from './write-file.ts';

/** What `kubeconfigYaml` writes down. */
export interface KubeconfigOptions {
  /** `https://host:port`. */
  readonly server: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  /** A client certificate, or a bearer token. */
  readonly credentials: KeyPair | { readonly token: string };
  /** Names cluster and context; default `keelson`. */
  readonly name?: string;
  readonly userName?: string;
}

/** A kubeconfig with one cluster, one user and one context. */
export function kubeconfigYaml(options: KubeconfigOptions): string {
  const name = options.name ?? 'keelson';
  const userName = options.userName ?? `${name}-admin`;
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const user =
    'token' in options.credentials
      ? { token: options.credentials.token }
      : {
          'client-certificate-data': base64(options.credentials.certificate),
          'client-key-data': base64(options.credentials.key),
        };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: options.server, 'certificate-authority-data': base64(options.ca) } }],
    users: [{ name: userName, user }],
    contexts: [{ name, context: { cluster: name, user: userName } }],
    'current-context': name,
  });
}

/** Writes a kubeconfig whole or not at all, readable by its owner only. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  await writePrivateFile(path, kubeconfigYaml(options));
}
