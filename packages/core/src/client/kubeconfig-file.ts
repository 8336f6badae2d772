import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../machinery/index.ts';

// kubectl takes `null` wherever a list or a map may be missing, and knows keys that do not concern a client.
const text = z.string().nullish();
const flag = z.boolean().nullish();

const cluster = z.looseObject({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': flag,
  'tls-server-name': text,
  'proxy-url': text,
});

const exec = z.looseObject({
  apiVersion: z.enum(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: z.string().min(1),
  args: z.array(z.string()).nullish(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish(),
  installHint: text,
  provideClusterInfo: flag,
});

const user = z.looseObject({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  exec: exec.nullish(),
  'auth-provider': z.unknown().optional(),
  as: text,
  'as-uid': text,
  'as-groups': z.array(z.string()).nullish(),
  'as-user-extra': z.record(z.string(), z.array(z.string())).nullish(),
});

const context = z.looseObject({ cluster: z.string(), user: text, namespace: text });

const kubeconfig = z.looseObject({
  apiVersion: z.literal('v1').nullish(),
  kind: z.literal('Config').nullish(),
  clusters: z.array(z.looseObject({ name: z.string(), cluster })).nullish(),
  users: z.array(z.looseObject({ name: z.string(), user: user.nullish() })).nullish(),
  contexts: z.array(z.looseObject({ name: z.string(), context })).nullish(),
  'current-context': text,
});

export type KubeconfigCluster = z.output<typeof cluster>;
export type KubeconfigUser = z.output<typeof user>;
export type KubeconfigContext = z.output<typeof context>;

/** One file's content. */
export type Kubeconfig = z.output<typeof kubeconfig>;

/**
 * Parses a kubeconfig.
 * @throws Error with `file` and the path inside it, such as `/home/x/.kube/config: clusters[0].cluster.server: …`
 */
export function parseKubeconfig(content: string, file: string): Kubeconfig {
  let document: unknown;
  try {
    document = parse(content);
  } catch (error) {
    throw new Error(`${file}: ${messageOf(error)}`, { cause: error });
  }
  const parsed = kubeconfig.safeParse(document ?? {});
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((each) => `${file}: ${pathText(each.path)}${each.message}`).join('\n'));
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((each) => (typeof each === 'number' ? `[${each}]` : `.${String(each)}`)).join('');
  return text === '' ? '' : `${text.replace(/^\./, '')}: `;
}
